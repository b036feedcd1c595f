// Draws every place on the page that has this view's id: a pattern for each head, one of them large, and the tokens.
((id, { names, tokens, heads }) => {
  const count = tokens.length, LEVELS = 16, WHOLE = 1000, LARGEST = 560, SMALLEST = 11; // px of a row with a name
  const share = (value) => ((value || 0) / WHOLE).toFixed(2);
  const numbered = tokens.map((token, place) => `${place} ${token}`);

  const element = (name, settings = {}, ...children) => {
    const made = name.startsWith("svg:")
      ? document.createElementNS("http://www.w3.org/2000/svg", name.slice(4))
      : document.createElement(name);
    for (const [key, value] of Object.entries(settings)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  };

  // The cells of a pattern as a path for each shade: few elements, however many tokens.
  const cells = (rows) => {
    const paths = Array(LEVELS + 1).fill("");
    rows.forEach((row, query) => row.forEach((value, key) => {
      paths[Math.round((value / WHOLE) * LEVELS)] += `M${key} ${query}h1v1h-1z`;
    }));
    return paths.slice(1).flatMap((d, shade) =>
      d ? [element("svg:path", { d, "fill-opacity": (shade + 1) / LEVELS })] : []);
  };

  // One choice among several, by pointer or by the arrow keys; Home and End go to the ends.
  const choice = (label, buttons, chosen) => {
    const group = element("div", { role: "radiogroup", "aria-label": label }, ...buttons);
    const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
    buttons.forEach((button, place) => {
      button.setAttribute("role", "radio");
      button.setAttribute("type", "button");
      button.addEventListener("click", () => chosen(place));
    });
    group.addEventListener("keydown", (event) => {
      const at = buttons.indexOf(document.activeElement), last = buttons.length - 1;
      const to = event.key === "Home" ? 0 : event.key === "End" ? last
        : event.key in steps ? (at + steps[event.key] + buttons.length) % buttons.length : -1;
      if (to < 0 || at < 0) return;
      event.preventDefault();
      event.stopPropagation(); // a notebook would go to the next cell
      chosen(to);
      buttons[to].focus();
    });
    return group;
  };

  const check = (buttons, place) => buttons.forEach((button, other) => {
    button.setAttribute("aria-checked", other === place);
    button.tabIndex = other === place ? 0 : -1;
  });

  const draw = (root) => {
    let head = 0, query = count - 1;
    const small = (rows) => element("svg:svg", { viewBox: `0 0 ${count} ${count}`, "aria-hidden": "true",
      "shape-rendering": "crispEdges" }, ...cells(rows));
    const headButtons = names.map((name, place) => element("button", {}, small(heads[place]), name));
    const tokenButtons = tokens.map((token) => element("button", {}, token));
    const large = element("div"), said = element("p", { class: "pb-attention-said", "aria-live": "polite" });

    const picture = () => {
      const width = Math.min(large.clientWidth || LARGEST, LARGEST);
      const longest = Math.max(...numbered.map((name) => name.length));
      const room = Math.min(width / 3, 7.5 * Math.min(longest, 16) + 8);
      const cell = (width - room - 2) / count, side = cell * count, named = cell >= SMALLEST;
      const short = (name) => { const most = Math.floor(room / 7.5); return name.length > most ? name.slice(0, most - 1) + "…" : name; };
      const below = named ? room : 20;
      const drawn = element("svg:svg", { width, height: side + below, role: "img",
        "aria-label": `The pattern of ${names[head]}: rows are queries, columns keys. The table below has its numbers.` });
      drawn.append(
        element("svg:g", { transform: `translate(${room} 1) scale(${cell})`, "shape-rendering": "crispEdges" }, ...cells(heads[head])),
        element("svg:rect", { class: "pb-frame", x: room, y: 1, width: side, height: side }),
        element("svg:rect", { class: "pb-row", x: room, y: 1 + query * cell, width: side, height: cell }),
      );
      numbered.forEach((name, place) => {
        const middle = (place + 0.5) * cell;
        if (named) drawn.append(element("svg:text", { x: room - 4, y: middle + 5, "text-anchor": "end" }, short(name)),
          element("svg:text", { transform: `translate(${room + middle + 4} ${side + 6}) rotate(-90)`, "text-anchor": "end" }, short(name)));
      });
      if (!named) drawn.append(element("svg:text", { x: room, y: side + 15 }, `key 0 … ${count - 1}`),
        element("svg:text", { x: room - 4, y: 13, "text-anchor": "end" }, "query 0"));
      const place = (event) => {
        const row = Math.floor((event.offsetY - 1) / cell);
        if (event.offsetX > room - 60 && row >= 0 && row < count && row !== query) choose(head, row);
      };
      drawn.addEventListener("click", place);
      drawn.addEventListener("mousemove", place);
      large.replaceChildren(drawn);
    };

    const choose = (newHead, newQuery) => {
      [head, query] = [newHead, newQuery];
      const row = heads[head][query];
      check(headButtons, head);
      check(tokenButtons, query);
      tokenButtons.forEach((button, key) => {
        const value = (row[key] || 0) / WHOLE;
        button.style.background = `rgba(var(--pb-blue), ${0.55 * value})`; // a name stays readable on it
        button.title = `${numbered[query]} looks at ${numbered[key]}: ${share(row[key])}`;
      });
      const most = row.map((value, key) => [value, key]).sort((a, b) => b[0] - a[0]).slice(0, 3).filter(([value]) => value);
      said.textContent = `${names[head]}, from “${numbered[query]}”: `
        + most.map(([value, key]) => `“${numbered[key]}” ${share(value)}`).join(", ") + ".";
      picture();
    };

    root.replaceChildren(
      choice("Head", headButtons, (place) => choose(place, query)),
      element("p", {}, "The token that looks; the stronger the colour of another, the more it is looked at:"),
      choice("Token that looks (query)", tokenButtons, (place) => choose(head, place)),
      said, large,
    );
    choose(head, query);
    let width = large.clientWidth;
    new ResizeObserver(() => { if (large.clientWidth !== width) { width = large.clientWidth; picture(); } }).observe(large);
  };

  for (const root of document.querySelectorAll(`[data-pb-attention="${id}"]`)) {
    if (root.dataset.drawn) continue;
    root.dataset.drawn = "yes";
    draw(root);
  }
})
