"""Every fault of a store that a run meets in the tests: where, what the store does, what we do.

`docs/storage.md` has the same rows in the same order, and a test holds the two together.
"""

from __future__ import annotations

from tests.support.storage_fault import IMAGE, LIST, MANIFEST, MODEL, PLAN, ROWS, RUN, SWAP, Case, always, once

AGAIN = "asked again"
OUTAGE = "asked again, then exit 4; the same command goes on"

INPUTS = (
    Case("input", "answers with another object", AGAIN, once("other", "GET", IMAGE, instead=SWAP)),
    Case(
        "input",
        "answers with another object every time",
        OUTAGE,
        always("other", "GET", IMAGE, SWAP),
        4,
        "another object",
    ),
    Case("input", "gives another etag with the right bytes", AGAIN, once("other_etag", "GET", IMAGE)),
    Case("input", "gives no etag", AGAIN, once("no_etag", "GET", IMAGE)),
    Case("input", "gives no length", AGAIN, once("no_length", "GET", IMAGE)),
    Case("input", "answers 404 once for what was listed", "asked again, apart in time", once("missing", "GET", IMAGE)),
    Case(
        "input",
        "answers 404 every time",
        "asked three times, apart in time; the row is `missing`",
        always("missing", "GET", IMAGE),
        rows={2: "missing"},
    ),
    Case(
        "input",
        "answers 412, and a HEAD shows the version that was asked for",
        AGAIN,
        once("precondition", "GET", IMAGE),
    ),
    Case("input", "answers 412 so every time", OUTAGE, always("precondition", "GET", IMAGE), 4, "another object"),
    Case("input", "a page of HTML with 200", AGAIN, once("html", "GET", IMAGE)),
    Case("input", "a page of HTML with 200 every time", OUTAGE, always("html", "GET", IMAGE), 4, "etag"),
    Case("input", "a page of HTML with 404", "no 404 of a store: asked again", once("html_404", "GET", IMAGE)),
    Case("input", "a page of HTML with 502", AGAIN, once("html_502", "GET", IMAGE)),
    Case("input", "a redirect to a page to sign in at", AGAIN, once("redirect", "GET", IMAGE)),
    Case("input", "an empty body with 200", AGAIN, once("empty", "GET", IMAGE)),
    Case("input", "what is no HTTP", AGAIN, once("garbage", "GET", IMAGE)),
    Case("input", "closes the connection without a word", AGAIN, once("nothing", "GET", IMAGE)),
    Case(
        "input", "one bit of the body is turned", "its MD5 is not its etag: read again", once("flipped", "GET", IMAGE)
    ),
    Case(
        "input",
        "the same bit every time",
        "what comes twice is what lies there: the row is `unreadable`",
        always("flipped", "GET", IMAGE),
        rows={2: "unreadable"},
    ),
    Case(
        "input", "half of the body, with its length", "its MD5 is not its etag: read again", once("half", "GET", IMAGE)
    ),
    Case("input", "more than the body", "its MD5 is not its etag: read again", once("longer", "GET", IMAGE)),
    Case("input", "half of the body, then a reset", "gone on with from there", once("truncate", "GET", IMAGE)),
    Case("input", "503 SlowDown", "asked again, after a pause", once("slow_down", "GET", IMAGE)),
    Case("input", "400 RequestTimeout", "asked again, after a pause", once("request_timeout", "GET", IMAGE)),
    Case("input", "an error that nobody knows (418)", "the shard is tried again", once("teapot", "GET", IMAGE)),
    Case("input", "404 NoSuchBucket once", AGAIN, once("no_bucket", "GET", IMAGE)),
    Case("input", "says once that the session has expired", "the shard is tried again", once("expired", "GET", IMAGE)),
    Case(
        "input",
        "does not know the credentials",
        "an outage, whatever `limits.forbidden` says: exit 4",
        always("unknown_user", "GET", IMAGE),
        4,
        "AWS_ACCESS_KEY_ID",
        more="limits: {outages: 1, forbidden: row}",
    ),
    Case(
        "input",
        "403 AccessDenied for one object",
        "an outage: exit 4, which names `s3:GetObject` and `limits.forbidden`",
        always("forbidden", "GET", IMAGE),
        4,
        "limits.forbidden: row",
    ),
    Case(
        "input",
        "the same, and the spec says `limits.forbidden: row`",
        "asked three times, apart in time; the row is `forbidden`",
        always("forbidden", "GET", IMAGE),
        rows={2: "forbidden"},
        more="limits: {forbidden: row}",
    ),
    Case(
        "input", "no answer at all", "given up after `storage.read_timeout`: asked again", once("stall", "GET", IMAGE)
    ),
    Case(
        "input",
        "half of the body, then nothing for 75 s",
        "gone on with after `storage.read_timeout`",
        once("stall_body", "GET", IMAGE),
    ),
    Case(
        "input",
        "the body in drops that never end",
        "given up after `storage.read_timeout` and what its bytes need at 16 KiB/s: gone on with",
        once("drip", "GET", IMAGE),
    ),
)

LISTINGS = (
    Case("listing", "a page of HTML", AGAIN, once("html", "GET", LIST)),
    Case("listing", "a page of HTML every time", OUTAGE, always("html", "GET", LIST), 4, "500"),
    Case("listing", "a page of HTML that is XML", "no list: asked again", once("xhtml", "GET", LIST)),
    Case(
        "listing",
        "the second page is HTML that is XML, every time",
        OUTAGE,
        always("xhtml", "GET", LIST, nth=2),
        4,
        "no list",
        page_keys=4,
    ),
    Case("listing", "the second page is HTML once", AGAIN, once("html", "GET", LIST, nth=2), page_keys=4),
    Case("listing", "an empty body", AGAIN, once("empty", "GET", LIST)),
    Case("listing", "JSON", AGAIN, once("json", "GET", LIST)),
    Case("listing", "a page that is cut off within its XML", AGAIN, once("cut_xml", "GET", LIST)),
    Case("listing", "fewer keys than it says", AGAIN, once("fewer_keys", "GET", LIST)),
    Case("listing", "no key, once", AGAIN, once("no_keys", "GET", LIST)),
    Case("listing", "keys of another place", AGAIN, once("other_keys", "GET", LIST)),
    Case("listing", "keys without their size", AGAIN, once("no_sizes", "GET", LIST)),
    Case("listing", "says that there is more, and not where", AGAIN, once("more_and_no_token", "GET", LIST)),
    Case(
        "listing",
        "a continuation token that repeats",
        OUTAGE,
        always("same_token", "GET", LIST),
        4,
        "leads back",
    ),
    Case(
        "listing",
        "the first page again for the second",
        OUTAGE,
        always("again", "GET", LIST, nth=2),
        4,
        "a list",
        page_keys=4,
    ),
    Case("listing", "503 for the second page", AGAIN, once("slow_down", "GET", LIST, nth=2), page_keys=4),
    Case("listing", "403", "exit 2, which names `s3:ListBucket`", always("forbidden", "GET", LIST), 2, "s3:ListBucket"),
)

MODELS = (
    Case(
        "model",
        "answers with another file",
        AGAIN,
        once("other", "GET", MODEL, instead=("model.onnx", "wardround.json")),
    ),
    Case("model", "one bit is turned", "its MD5 is not its etag: read again", once("flipped", "GET", MODEL)),
    Case("model", "a page of HTML with 200", AGAIN, once("html", "GET", MODEL)),
    Case("model", "404 once for what was listed", "asked again, apart in time", once("missing", "GET", MODEL)),
    Case(
        "model",
        "404 every time for what is listed",
        OUTAGE,
        always("missing", "GET", MODEL),
        4,
        "changed while it was read",
    ),
    Case("model", "its listing is HTML once", AGAIN, once("html", "GET", "list-type=2.*/model/")),
    Case("model", "403", "exit 2, which names `s3:GetObject`", always("forbidden", "GET", MODEL), 2, "s3:GetObject"),
)

ROWS_WRITTEN = (
    Case(
        "rows",
        "writes, and the answer is lost",
        "read back: its own attempt is success",
        once("reset_after", "PUT", ROWS),
    ),
    Case("rows", "does not write, and resets", "written again", once("reset_before", "PUT", ROWS)),
    Case(
        "rows",
        "says that it has written, and has not",
        "no MD5 in its answer: looked at, written again",
        once("swallowed", "PUT", ROWS),
    ),
    Case("rows", "says so every time", OUTAGE, always("swallowed", "PUT", ROWS), 4, "something else lies there"),
    Case(
        "rows", "a page of HTML for a PUT", "no MD5 in its answer: looked at, written again", once("html", "PUT", ROWS)
    ),
    Case("rows", "writes, and answers without an etag", "looked at: it lies there", once("no_etag", "PUT", ROWS)),
    Case("rows", "409", "written again", once("conflict", "PUT", ROWS)),
    Case("rows", "400 BadDigest", "written again", once("bad_digest", "PUT", ROWS)),
    Case("rows", "412, and nothing lies there", "written again", once("precondition", "PUT", ROWS)),
    Case("rows", "412 so every time", OUTAGE, always("precondition", "PUT", ROWS), 4, "forbade its creation"),
    Case(
        "rows",
        "403",
        "an outage: exit 4, which names `s3:PutObject`",
        always("forbidden", "PUT", ROWS),
        4,
        "s3:PutObject",
    ),
    Case(
        "rows", "HEAD of what was written answers 404 once", "asked again, apart in time", once("missing", "HEAD", ROWS)
    ),
    Case("rows", "HEAD fails once", AGAIN, once("slow_down", "HEAD", ROWS)),
    Case(
        "rows",
        "HEAD without metadata, every time",
        "read from the object's own content",
        always("no_metadata", "HEAD", ROWS),
    ),
    Case("rows", "HEAD without an etag", AGAIN, once("no_etag", "HEAD", ROWS)),
    Case("rows", "HEAD with a time that is none", AGAIN, once("wrong_time", "HEAD", ROWS)),
    Case("rows", "400 to a HEAD, which has no reason", AGAIN, once("request_timeout", "HEAD", ROWS)),
)

DOCUMENTS = (
    Case(
        "plan",
        "writes, and the answer is lost",
        "read back: its own attempt is success",
        once("reset_after", "PUT", PLAN),
    ),
    Case("plan", "says that it has written, and has not", "looked at, written again", once("swallowed", "PUT", PLAN)),
    Case(
        "plan",
        "403 for a PUT",
        "exit 2, which names `s3:PutObject`",
        always("forbidden", "PUT", PLAN),
        2,
        "s3:PutObject",
    ),
    Case(
        "plan",
        "one bit is turned as it is read whole",
        "its MD5 is not its etag: read again",
        once("flipped", "GET", PLAN),
    ),
    Case("plan", "404 once", "asked again, apart in time", once("missing", "GET", PLAN)),
    Case("plan", "HEAD answers 404 once", "asked again, apart in time", once("missing", "HEAD", PLAN)),
    Case(
        "plan",
        "one bit is turned as a part is read",
        "its pages carry checksums: the shard is tried again",
        once("flipped", "GET", PLAN, nth=2),
    ),
    Case("plan", "ignores a range once", AGAIN, once("ignores_range", "GET", PLAN, nth=2)),
    Case(
        "plan",
        "ignores every range",
        "exit 3: such a store cannot serve",
        always("ignores_range", "GET", PLAN),
        3,
        "ranges",
    ),
    Case("plan", "another range than was asked for", AGAIN, once("other_content_range", "GET", PLAN, nth=2)),
    Case(
        "run.json",
        "writes, and the answer is lost",
        "read back: its own attempt is success",
        once("reset_after", "PUT", RUN),
    ),
    Case("run.json", "404 once to who has just written it", AGAIN, once("missing", "GET", RUN)),
    Case("run.json", "a page of HTML with 200", AGAIN, once("html", "GET", RUN)),
    Case("run.json", "one bit is turned", "its MD5 is not its etag: read again", once("flipped", "GET", RUN)),
    Case(
        "manifest",
        "writes, and the answer is lost",
        "read back: its own attempt is success",
        once("reset_after", "PUT", MANIFEST),
    ),
    Case(
        "manifest",
        "says that it has written, and has not",
        "looked at, written again",
        once("swallowed", "PUT", MANIFEST),
    ),
    Case("manifest", "412, and nothing lies there", "written again", once("precondition", "PUT", MANIFEST)),
    Case("manifest", "503 every time", OUTAGE, always("slow_down", "PUT", MANIFEST), 4, "SlowDown"),
)

START = (
    Case(
        "start",
        "deletes nothing (403)",
        "the probe's objects of a few bytes stay; the run goes on",
        always("forbidden", "DELETE", ""),
    ),
    Case(
        "start",
        "ignores `If-None-Match`",
        "exit 3: results could be overwritten",
        always("ignores_if_none_match", "PUT", ""),
        3,
        "If-None-Match",
    ),
    Case("start", "no such bucket", "asked twice, then exit 2", always("no_bucket", ".*", ""), 2, "does not exist"),
    Case("start", "503 every time", "exit 4", always("slow_down", ".*", ""), 4, "SlowDown"),
)

TABLE = r"/table\.csv"
TABLES = (
    Case(
        "table",
        "404 once for the table that the spec names",
        "asked again, apart in time",
        once("missing", "HEAD", TABLE),
    ),
    Case("table", "a page of HTML with 200", AGAIN, once("html", "GET", TABLE)),
    Case(
        "table", "answers with another object", AGAIN, once("other", "GET", TABLE, instead=("table.csv", "spare.csv"))
    ),
    Case(
        "table",
        "ignores `If-Match`, and the table is the same",
        "nothing is lost",
        always("ignores_if_match", "GET", TABLE),
    ),
)

VERIFY = (
    Case("verify", "404 once for rows", "asked again, apart in time", once("missing", "GET", ROWS)),
    Case("verify", "404 every time for rows", "exit 5", always("missing", "GET", ROWS), 5, "is missing"),
    Case(
        "verify",
        "answers with other rows",
        "read once more before it counts",
        once("other", "GET", ROWS, instead=("shard-000000", "shard-000001")),
    ),
    Case("verify", "one bit of rows is turned", "read once more before it counts", once("flipped", "GET", ROWS)),
    Case("verify", "a page of HTML for the manifest", AGAIN, once("html", "GET", MANIFEST)),
    Case("verify", "404 once for the manifest", "asked again, apart in time", once("missing", "HEAD", MANIFEST)),
    Case("verify", "404 once for the plan", "asked again, apart in time", once("missing", "GET", PLAN)),
    Case(
        "verify",
        "a list of rows that is HTML every time",
        "exit 4",
        always("xhtml", "GET", "list-type=2"),
        4,
        "no list",
    ),
)

GC = (
    Case(
        "gc",
        "a list that is HTML every time",
        "exit 4, nothing deleted",
        always("xhtml", "GET", "list-type=2"),
        4,
        "no list",
    ),
    Case(
        "gc",
        "answers with the run.json of another run",
        "a HEAD and a GET have to agree: asked again, nothing deleted",
        once("other", "GET", RUN, instead=("clean", "second")),
    ),
    Case(
        "gc",
        "404 every time for the manifest",
        "nothing is known to be useless: nothing deleted",
        always("missing", ".*", MANIFEST),
    ),
    Case("gc", "a list of another place", AGAIN, once("other_keys", "GET", "list-type=2")),
    Case(
        "gc",
        "403 for a DELETE",
        "exit 2, which names `s3:DeleteObject`",
        always("forbidden", "DELETE", ""),
        2,
        "s3:DeleteObject",
    ),
)

RUNS = (*INPUTS, *LISTINGS, *MODELS, *ROWS_WRITTEN, *DOCUMENTS, *START)
ALL = (*RUNS, *TABLES, *VERIFY, *GC)
