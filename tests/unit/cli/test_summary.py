from __future__ import annotations

from picsellia_processing.cli.out_folder import OutFolder
from picsellia_processing.cli.summary import summarize
from picsellia_processing.job.report import Report


def test_a_good_run(tmp_path):
    out = OutFolder(tmp_path)
    out.page.touch()
    report = Report.model_validate(
        {
            "status": "succeeded",
            "name": "hello",
            "assets": {"selected": 2000, "processed": 1990, "skipped": 10, "failed": 0},
            "shapes": 12345,
            "images_per_second": 38.14,
            "limiting_stage": "process",
            "seconds": 52.4,
            "peak_rss_bytes": 5e8,
        }
    )
    assert summarize(report, out).splitlines() == [
        "",
        "hello: succeeded",
        "  assets      1,990 of 2,000 processed, 10 skipped, 0 failed",
        "  shapes      12,345",
        "  speed       38.1 images/s, limited by process, 52.4 s, peak memory 500 MB",
        f"  report      {out.page}",
    ]


def test_a_job_on_a_model_has_no_speed(tmp_path):
    report = {
        "status": "succeeded",
        "name": "export",
        "produced": {"files": 2},
        "images_per_second": None,
        "seconds": 9.7,
        "peak_rss_bytes": 5e8,
    }
    lines = ["", "export: succeeded", "  produced    2 files", "  time        9.7 s, peak memory 500 MB"]
    assert summarize(Report.model_validate(report), OutFolder(tmp_path)).splitlines() == lines
    looked_at = Report.model_validate({**report, "assets": {"selected": 7, "processed": 7}})
    lines.insert(2, "  assets      7 of 7 processed, 0 skipped, 0 failed")
    assert summarize(looked_at, OutFolder(tmp_path)).splitlines() == lines


def test_failures_and_labels_are_named_and_bounded(tmp_path):
    failure = {"asset_id": "1", "stage": "decode", "reason": "cut\noff"}
    report = Report.model_validate(
        {
            "status": "failed",
            "reason": "too many",
            "assets": {"selected": 12, "failed": 12},
            "failures": [{**failure, "asset": f"{number}\x1b[31m.jpg"} for number in range(12)],
            "labels": [
                {"model_class": "kat", "closest": "cat"},
                {"model_class": "dog", "label": "dog"},
                *({"model_class": f"class {number}"} for number in range(11)),
            ],
            "dropped_shapes": {"no area": 2, "outside": 3},
        }
    )
    text = summarize(report, OutFolder(tmp_path / "out"))
    assert "out: failed: too many" in text
    assert "  shapes      0, 5 dropped" in text
    assert "  failures    0\ufffd[31m.jpg: decode: cut off" in text
    assert "9\ufffd[31m.jpg" in text
    assert "10\ufffd[31m.jpg" not in text
    assert "and 2 more, all in report.json" in text
    assert "  no label    kat (closest: cat)" in text
    assert "and 2 more classes without a label" in text
    assert "their shapes were left out; add the labels, or launch with label_matching = add" in text
    assert "\x1b" not in text


def test_what_a_person_should_look_at_is_told(tmp_path):
    report = Report.model_validate({"status": "succeeded", "remarks": ["1 of 1 shapes look odd"]})
    assert "  look at     1 of 1 shapes look odd" in summarize(report, OutFolder(tmp_path / "out")).splitlines()


def test_a_tag_for_each_of_a_thousand_classes_is_one_line(tmp_path):
    produced = {"tags": 5000, **{f"tag 'class {number}'": 5 for number in range(1000)}}
    text = summarize(Report.model_validate({"status": "succeeded", "produced": produced}), OutFolder(tmp_path / "out"))
    assert "  produced    5,000 tags, 5 tag 'class 0', " in text
    assert "5 tag 'class 6', and 993 more in report.json\n" in text
    assert "class 7" not in text


def test_what_was_refused_has_no_figures(tmp_path):
    report = Report.model_validate({"status": "failed", "reason": "the parameters do not fit:\n  - iou: too large"})
    text = summarize(report, OutFolder(tmp_path / "out"))
    assert "out: failed: the parameters do not fit (see above)" in text
    assert "iou" not in text, "the log has said it already"
    assert "assets" not in text
    assert "images/s" not in text
