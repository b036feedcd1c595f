"""`patchbook serve`: a class hands in and reads feedback; nobody sees another's work; no kill loses any."""

import csv
import json
import re
import socket
import subprocess
import sys
import threading
from contextlib import suppress

import pytest

from patchbook.grading.gradebook.database import gradebook_of
from patchbook.grading.report import read_class
from patchbook.grading.report.reading import Item, Work
from patchbook.grading.serving.board import stuck_in, wait_for
from patchbook.grading.serving.desk import found_in
from patchbook.grading.serving.people import BadClass, People, Secrets, write_links
from patchbook.grading.serving.uploads import Upload, Uploads
from tests.project.browser import Browser
from tests.project.desks import AT_THE_DESK, AT_THE_DOOR, PEOPLE, Server
from tests.project.drawing import some
from tests.project.events import until
from tests.project.graders import WRONG, entries, paths_of, toy_servers
from tests.project.toy import CHAPTER, HIDDEN_SEEDS, WORTH, WRONG_DOUBLE, hand_in, solved

ONLY_OPEN = "def double(x):\n    return 2 * x if abs(x) < 100 else x"
NASTY = 'def double(x):\n    raise ValueError("<script>document.title = 1</script>")'


@pytest.fixture(scope="module")
def paths():
    return paths_of(toy_servers())


@pytest.fixture(scope="module")
def server(paths, tmp_path_factory):
    with Server(paths, tmp_path_factory.mktemp("serving")) as server:
        yield server


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    notebooks = {
        "right": solved(),
        "wrong": solved(double=WRONG),
        "open": solved(double=ONLY_OPEN),
        "nasty": solved(double=NASTY),
        "torn": '{"cells": [',
        "page": "<html>",
        "large": " " * (2**20 + 10),
        "other": json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}),
    }
    return {name: hand_in(folder, name, notebook) for name, notebook in notebooks.items()}


def curl(*words):
    done = subprocess.run(["curl", "-sS", *map(str, words)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def codes(server):
    with (server.folder / "out" / "links.csv").open(newline="") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


def as_(server, learner):
    """What curl is told so that it is a learner's."""
    known = list(codes(server).values())[PEOPLE.index(learner)]
    return ["-F", f"name={learner}", "-F", f"code={known['code']}"]


def upload(server, learner, file, jar, *more):
    """Hand in by curl; returns the status and the upload's address."""
    said = ["-o", "/dev/null", "-w", "%{http_code} %{redirect_url}", "-c", jar, "-b", jar]
    answer = curl(*said, *as_(server, learner), "-F", f"notebook=@{file}", *more, f"{server.address}/hand-in")
    return tuple(answer.split())


def feedback(address, jar):
    """Wait for the events of an upload to end, then read its page."""
    events = curl("-N", "-b", jar, f"{address}/wait")
    assert events.endswith("event: done\ndata:\n\n")
    return curl("-b", jar, address)


def test_a_learner_hands_in_with_curl_and_reads_what_is_wrong(server, files, tmp_path):
    (status, address), jar = (
        upload(server, "Ada Lovelace", files["wrong"], tmp_path / "ada"),
        tmp_path / "ada",
    )
    assert status == "303"
    page = feedback(address, jar)
    assert (
        "the number comes back as it was." in page and "want 4, got 2" in page and "Multiply it by 2." in page
    )
    notebook = curl("-b", jar, f"{address}/notebook")
    assert f"{WRONG_DOUBLE} of {sum(WORTH.values())} points" in notebook and not any(
        seed in notebook for seed in HIDDEN_SEEDS
    )
    _, again = upload(server, "Ada Lovelace", files["open"], jar)
    page = feedback(again, jar)
    assert "fails a hidden one. Diagnosis: " in page and "want" not in page.split("Your answer")[0]
    assert "A later one counts" in curl("-b", jar, address)
    for path in (address, f"{address}/notebook", f"{address}/wait"):  # nobody else is told that it is there
        upload(server, "Cleo", files["torn"], tmp_path / "cleo")
        for other in ("-b", tmp_path / "cleo"), ():
            assert curl("-o", "/dev/null", "-w", "%{http_code}", *other, path) in ("404", "303")
            assert "double" not in curl(*other, path)


def test_what_a_learner_wrote_is_shown_and_never_obeyed(server, files, tmp_path):
    jar = tmp_path / "bob"
    page = feedback(upload(server, "Bob <b>", files["nasty"], jar)[1], jar)
    assert "<script" not in page and "&lt;script&gt;" in page and "Bob &lt;b&gt;" in page
    head = curl("-I", "-X", "GET", "-o", "/dev/null", "-D", "-", f"{server.address}/")
    policy = re.search(r"content-security-policy: (.*)", head)[1]
    assert "default-src 'none'" in policy and "script-src 'self'" in policy and "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy and "nosniff" in head and "no-store" in head


@pytest.mark.parametrize(
    ("file", "more", "status"),
    [
        ("torn", [], "422"),
        ("page", [], "422"),
        ("other", [], "422"),
        ("large", [], "413"),
        ("large", ["-H", "Transfer-Encoding: chunked"], "413"),
        ("right", ["-H", "Origin: https://elsewhere.example"], "403"),
        ("right", ["-H", "Sec-Fetch-Site: cross-site"], "403"),
        ("right", ["-F", "code=aaaa-aaaa"], "403"),
    ],
)
def test_what_is_refused_says_why_and_is_not_kept(server, files, file, more, status, tmp_path):
    kept = len(list((server.folder / "out" / "uploads").rglob("*.ipynb")))
    assert upload(server, "Dora", files[file], tmp_path / "jar", *more)[0] == status
    assert len(list((server.folder / "out" / "uploads").rglob("*.ipynb"))) == kept


def test_a_form_without_its_token_is_refused_and_so_is_the_seventh_upload_of_an_hour(server, files, tmp_path):
    jar = tmp_path / "jar"
    for _ in range(6):
        status, address = upload(server, "Dora", files["right"], jar)
        assert status == "303" and "Open checks" not in feedback(address, jar)
    said = ["-o", "/dev/null", "-w", "%{http_code}", "-b", jar, "-F", f"notebook=@{files['right']}"]
    assert curl(*said, f"{server.address}/hand-in") == "403"
    token = re.search(r'name="token" value="(\w+)"', curl("-b", jar, server.address))[1]
    assert curl(*said, "-F", f"token={token}", f"{server.address}/hand-in") == "429"
    assert curl(*said, "-F", f"token={token[::-1]}", f"{server.address}/hand-in") == "403"


def test_in_a_browser_a_link_leads_to_feedback_and_the_board_follows(server, files, tmp_path):
    """Also: a board is not there without its secret, and the marks are the report's."""
    assert curl("-o", "/dev/null", "-w", "%{http_code}", f"{server.address}/board") == "404"
    with Browser(tmp_path / "teacher") as teacher, Browser(tmp_path / "learner") as learner:
        teacher.open(server.board)
        graded = "+document.querySelector('.figures b').innerText"
        before = teacher.value(graded)
        learner.open(codes(server)["Eve"]["link"], width=400, dark=True)
        learner.value("document.querySelector('button').click()")
        until(lambda: learner.value("!!document.querySelector('input[type=file]')"))
        root = learner.ask("DOM.getDocument")["root"]["nodeId"]
        field = learner.ask("DOM.querySelector", nodeId=root, selector="input[type=file]")["nodeId"]
        learner.ask("DOM.setFileInputFiles", nodeId=field, files=[str(files["wrong"])])
        learner.value("document.querySelector('form.card button').click()")
        until(lambda: learner.value("!!document.querySelector('.item')"))  # the page came by itself
        assert "Multiply it by 2." in learner.value("document.body.innerText")
        assert learner.value("document.documentElement.scrollWidth") <= 400
        learner.value("location.href = '/'")
        until(lambda: learner.value("!!document.querySelector('.plain-list')"))
        assert "00_toy" in learner.value("document.querySelector('.plain-list').innerText")
        until(lambda: teacher.value(graded) == before + 1)  # and so did this
        stuck = teacher.value("document.querySelector('.stack').innerText")
        assert "not-doubled" in stuck and "Eve" in stuck
        teacher.open(f"{server.address}/board?names=no", width=400)
        assert "Eve" not in teacher.value("document.body.innerText")
        assert teacher.value("document.documentElement.scrollWidth") <= 400
    assert re.match(r"ok: grader ready; 0 waiting, 0 at work, \d+ graded\n", curl(f"{server.address}/health"))
    until(
        lambda: (
            {work.learner: work.points for work in read_class(server.folder / "out")}.get("Eve")
            == WRONG_DOUBLE
        )
    )
    works = {work.learner: work for work in read_class(server.folder / "out")}
    assert works["Eve"].handed_in is not None and works["Cleo"].status == "missing"


# --- kills ---------------------------------------------------------------------------------------------


def test_a_kill_at_any_named_point_loses_no_upload_and_grades_none_twice(paths, files, tmp_path):
    """Each round: a server that stands still at a point while somebody hands in; then all of it is killed."""
    points, accepted = some([*AT_THE_DOOR, *AT_THE_DESK], 4), []

    def post(server, learner):
        with suppress(AssertionError):  # the server was killed before it could answer
            accepted.append(
                upload(server, learner, files["wrong" if len(accepted) % 2 else "right"], tmp_path / "jar")
            )

    for number, point in enumerate(points):
        with Server(paths, tmp_path, point) as server:
            client = threading.Thread(target=post, args=(server, PEOPLE[number % 5]))
            client.start()
            until(server.stands_still)
            server.kill()
            client.join()
        table = Uploads(tmp_path / "out", gradebook_of(tmp_path / "out"))
        print(f"killed when {point}: {len(accepted)} told, {table.counts()}")
    with Server(paths, tmp_path) as server:
        until(lambda: not table.waiting())
        assert "0 waiting" in curl(f"{server.address}/health")
    rows = [one for learner in PEOPLE for one in table.of(learner)]
    kept = {
        path.relative_to(tmp_path / "out").as_posix()
        for path in (tmp_path / "out").glob("uploads/**/*.ipynb")
    }
    told = {int(address.rpartition("/")[2]) for status, address in accepted if status == "303"}
    at_the_desk = sum(point in AT_THE_DESK for point in points)
    assert len(told) == at_the_desk and told <= {one.id for one in rows}, "whoever was told is there"
    not_told = "accepted, and nobody told" in points
    assert len(rows) == len(told) + not_told, "two at the door are not accepted"
    assert {one.file for one in rows} <= kept and all(one.status == "ok" for one in rows)
    journal = [entry["fingerprint"] for entry in entries(tmp_path / "out" / "journal.jsonl")]
    assert len(journal) == len(set(journal)) <= len(rows), "none twice"


# --- the board -----------------------------------------------------------------------------------------


def test_who_is_stuck_is_told_since_the_first_upload_with_that_diagnosis():
    def found(number, diagnosis, earlier=None):
        work = Work("ada", CHAPTER, "ok", 3, items=(Item("double", 3, 0, "wrong", diagnosis=diagnosis),))
        return found_in(
            work, Upload(number, "ada", CHAPTER, "", number * 60), json.dumps(earlier) if earlier else ""
        )

    def stuck(found):
        rows = stuck_in([(Upload(1, "ada", CHAPTER, "", 0), found)], {"ada": "no. 1"})
        return [(row.diagnosis, row.who) for row in rows]

    first = found(1, "transposed")
    second = found(2, "transposed", first)
    assert stuck(second) == [("transposed", (("no. 1", 60, 2),))]
    assert stuck(found(3, "no-scale", second)) == [("no-scale", (("no. 1", 180, 1),))]
    assert stuck(found(3, "needs-another", second)) == [], "it only waits for another answer"
    assert wait_for(6, [10, 20], 2) == 45 and wait_for(6, [], 2) is None


# --- who is who ----------------------------------------------------------------------------------------


def test_codes_and_links_are_signed_and_stay_the_same(tmp_path):
    known, again = Secrets(tmp_path), Secrets(tmp_path)
    assert (tmp_path / "serving.json").stat().st_mode & 0o077 == 0
    code = known.code("Ada")
    assert again.is_code("Ada", code.upper().replace("-", " ")) and not again.is_code("Bob", code)
    assert again.whose_link(known.link("Ada")) == "Ada" and again.whose_session(known.session("Ada")) == "Ada"
    assert again.whose_link(known.session("Ada")) is None, "a link is no session, nor the other way round"
    assert again.whose_session(known.link("Ada")) is None and again.whose_link("nobody") is None
    assert Secrets(tmp_path.parent / tmp_path.name).board == known.board


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "names nobody"),
        ("Ada\nada \n", "line 2: 'ada' stands there twice"),
        ("...\n", "is no name"),
        (b"\xff", "no text"),
    ],
)
def test_a_list_of_the_class_that_cannot_be_used_says_how_one_is_written(tmp_path, text, says):
    path = tmp_path / "class.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(BadClass, match=says):
        People(path).names  # noqa: B018


def test_a_name_that_is_added_may_hand_in_at_once(tmp_path):
    path = tmp_path / "class.txt"
    path.write_text("Émile  Zola\n")
    known = Secrets(tmp_path)
    people = People(path, lambda people: write_links(people, known, "http://x", tmp_path))
    assert people.find("émile zola") == "Émile Zola" and people.find("Ada") is None
    path.write_text("Émile Zola\nAda\n")
    assert people.find(" ADA ") == "Ada" and people.names == ["Émile Zola", "Ada"]
    with (tmp_path / "links.csv").open(newline="") as file:
        assert [row["code"] for row in csv.DictReader(file)] == [known.code("Émile Zola"), known.code("Ada")]
    path.write_text("Ada\nada\n")
    assert people.names == ["Émile Zola", "Ada"], "a list that cannot be used changes nothing"


def test_a_port_that_is_taken_is_said_in_one_line(tmp_path):
    from click.testing import CliRunner

    from patchbook.cli import main

    (tmp_path / "class.txt").write_text("Ada\n")
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
        words = ["serve", tmp_path / "class.txt", "--out", tmp_path / "out", "--port", port]
        done = CliRunner().invoke(main, [str(word) for word in words])
    assert done.exit_code == 1 and f"say another with --port, such as --port {port + 1}" in done.output
    assert not (tmp_path / "out").exists()


def test_the_server_needs_no_torch():
    code = "import sys, patchbook.grading.serving.running as r; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
