import signal

import pytest
from picsellia_processing.job.channel import Failed, Failure, Finished, Snapshot
from picsellia_processing.job.outcome import MOST_FAILURES, Account, Ending, judge, to_report
from picsellia_processing.job.process import describe_exit

TOKEN = "a0c9f3bbf7e8bc175494fc44bfc6f89aae3eb9d0"
TERM = signal.SIGTERM


def account(*events):
    made = Account(secrets=(TOKEN,))
    for event in events:
        made.take(event)
    return made


@pytest.mark.parametrize(
    ("events", "ending", "status", "exit_code", "reason"),
    [
        ([Finished()], Ending(0), "succeeded", 0, None),
        ([Finished()], Ending(0, asked=TERM), "succeeded", 0, None),
        ([], Ending(0), "failed", 1, "ended with exit status 0 before its work was done"),
        ([Finished()], Ending(1), "failed", 1, "all work was done, but then the worker ended with exit status 1"),
        ([Finished()], Ending(-11), "failed", 1, "then the worker was killed by SIGSEGV"),
        ([Finished(), Failed("late")], Ending(0), "failed", 1, "late"),
        ([Failed("bad label", "", 2)], Ending(2), "failed", 2, "bad label"),
        ([Failed("no platform", "", 3)], Ending(3), "failed", 3, "no platform"),
        ([Failed("odd", "", 77)], Ending(77), "failed", 1, "odd"),
        ([Failed("says 0", "", 0)], Ending(0), "failed", 1, "says 0"),
        ([], Ending(1, "KeyError: 'x'"), "failed", 1, "exit status 1; the last line it printed: \"KeyError: 'x'\""),
        ([], Ending(-9), "failed", 1, "was killed by SIGKILL: probably out of memory (at most "),
        ([], Ending(-9, killed="it hung"), "failed", 1, "it hung and was killed"),
        ([], Ending(-15, asked=TERM), "terminated", 143, "ended by SIGTERM before all work was done"),
        (
            [],
            Ending(1, asked=TERM),
            "terminated",
            143,
            "before all work was done (the worker ended with exit status 1)",
        ),
        ([], Ending(-9, asked=TERM, killed="it hung"), "terminated", 143, "it hung and was killed"),
        ([Failed("stopped", "", 143)], Ending(143, asked=TERM), "terminated", 143, "SIGTERM: stopped"),
        ([Failed("stopped", "", 143)], Ending(143), "terminated", 143, "stopped"),
        ([Failed("own", "", 1)], Ending(1, asked=TERM), "failed", 1, "own"),
    ],
)
def test_the_verdict(events, ending, status, exit_code, reason):
    outcome = judge(account(*events), ending)
    assert (outcome.status, outcome.exit_code) == (status, exit_code)
    assert outcome.reason is None if reason is None else reason in outcome.reason


def test_the_report_holds_the_last_snapshot_the_failures_and_the_verdict():
    said = account(
        Snapshot({"shapes": 1}),
        Snapshot({"shapes": 2, "name": "yolo", "seconds": 4.0, "parameters": {"k": f"v{TOKEN}"}}),
        Failure("a.jpg", "1", "fetch", f"404 for https://h/a?sig=1 with {TOKEN}"),
    )
    report = to_report(said, judge(said, Ending(0)), job_id="j", seconds=9.0)
    assert (report.status, report.name, report.shapes, report.seconds, report.job_id) == ("failed", "yolo", 2, 4.0, "j")
    assert report.parameters == {"k": "v[redacted]"}
    assert [(failure.asset, failure.reason) for failure in report.failures] == [
        ("a.jpg", "404 for https://h/a?[redacted] with [redacted]")
    ]


def test_a_snapshot_that_no_report_can_hold_does_not_cost_the_report():
    said = account(Snapshot({"shapes": "many"}), Failure("a.jpg", "1", "fetch", "404"))
    report = to_report(said, judge(said, Ending(1)), job_id="j", seconds=9.0)
    assert (report.status, report.shapes, len(report.failures)) == ("failed", 0, 1)


def test_a_snapshot_cannot_say_that_the_job_succeeded():
    said = account(Snapshot({"status": "succeeded", "reason": None}))
    assert to_report(said, judge(said, Ending(1)), job_id="j", seconds=1.0).status == "failed"


def test_failures_are_bounded():
    said = account(*(Failure(f"{number}.jpg", "1", "fetch", "404") for number in range(MOST_FAILURES + 5)))
    assert len(said.failures) == MOST_FAILURES


@pytest.mark.parametrize(
    ("status", "words"),
    [(1, "ended with exit status 1"), (-15, "was killed by SIGTERM"), (-63, "was killed by signal 63")],
)
def test_an_exit_in_words(status, words):
    assert describe_exit(status) == words
