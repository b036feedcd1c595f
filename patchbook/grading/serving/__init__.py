"""`patchbook serve`: learners hand in on a page, and read their feedback there; the teacher has a board.

Two processes. This one answers browsers and keeps what is handed in; the desk grades it, by the same way as
`patchbook grade`. Between them stands a table in the gradebook's database: an upload that was accepted is in
it, with its file on disk, before anybody is told so. Either process may be killed at any moment.

people    the class: names, codes, signed links, the board's secret
uploads   the table: accepted, being graded, graded
desk      the process that grades uploads in order, and writes what `patchbook report` reads
keeper    starts the desk, wakes it, starts it again
limits    how large, how often, from where; the headers of every answer
pages     the templates, and a graded work as data
board     class × exercise, who is stuck on what for how long
site      addresses and what they answer
live      server-sent events
running   all of it, until it is stopped
"""
