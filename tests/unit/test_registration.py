from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from picsellia_processing.registration import FIXED, SETTINGS, RegisteredInput, Registration, compare

DIGEST = "sha256:" + "0" * 64
NAMES = st.sampled_from(["a", "b", "c", "d"])
INPUTS = st.builds(
    RegisteredInput,
    name=st.just(""),
    type=st.sampled_from(["TEXT", "MODEL_VERSION"]),
    required=st.booleans(),
    inference_type=st.sampled_from([None, "OBJECT_DETECTION"]),
    framework=st.sampled_from([None, "ONNX"]),
)
REGISTRATIONS = st.builds(
    Registration,
    name=st.just("p"),
    target=st.sampled_from(["DATASET_VERSION", "DATALAKE"]),
    type=st.sampled_from([None, "AUTO_TAGGING"]),
    image=st.sampled_from(["x", "y"]),
    tag=st.sampled_from([f"1@{DIGEST}", f"2@{DIGEST}"]),
    description=st.sampled_from(["", "text"]),
    cpu=st.integers(1, 2),
    gpu=st.integers(0, 1),
    flags=st.sampled_from([(), ("--init",)]),
    parameters=st.dictionaries(NAMES, st.sampled_from([None, 0, 1.5, "x", [1]])),
    inputs=st.dictionaries(NAMES, INPUTS).map(
        lambda inputs: {name: replace(each, name=name) for name, each in inputs.items()}
    ),
)


@pytest.fixture
def registration() -> Registration:
    return Registration(
        "p", "DATASET_VERSION", "PRE_ANNOTATION", "registry.example/p", f"1.0@{DIGEST}", "text", 4, 1,
        parameters={"confidence": 0.25},
        inputs={"model_version_id": RegisteredInput("model_version_id", "MODEL_VERSION", required=True)},
    )  # fmt: skip


@settings(deadline=None)
@given(before=REGISTRATIONS, wanted=REGISTRATIONS, prune=st.booleans())
def test_what_changes_is_what_makes_the_goal(before: Registration, wanted: Registration, prune: bool) -> None:
    plan = compare(before, wanted, prune=prune)
    inputs = dict(before.inputs)
    for change in plan.changed_inputs:
        inputs.pop(change.name, None)
        if change.after is not None:
            inputs[change.name] = change.after
    written = replace(before, **plan.changed_settings, inputs=inputs)
    assert replace(written, **{name: getattr(plan.goal, name) for name in FIXED}) == plan.goal
    assert bool(plan.differences) == bool(plan.changed_settings or plan.changed_inputs)
    again = compare(written, wanted, prune=prune)
    assert again.differences == ()
    assert again.undeclared == plan.undeclared
    assert again.fixed == plan.fixed


@settings(deadline=None)
@given(before=REGISTRATIONS, wanted=REGISTRATIONS)
def test_nothing_undeclared_is_lost_without_prune(before: Registration, wanted: Registration) -> None:
    goal = compare(before, wanted, prune=False).goal
    assert goal.parameters == {**before.parameters, **wanted.parameters}
    assert goal.inputs == {**before.inputs, **wanted.inputs}
    assert compare(before, wanted, prune=True).goal == wanted


def test_all_is_new_where_there_is_nothing(registration: Registration) -> None:
    plan = compare(None, registration, prune=False)
    assert set(plan.changed_settings) == set(SETTINGS)
    assert [str(each) for each in plan.differences] == [
        '+ target: "DATASET_VERSION"',
        '+ type: "PRE_ANNOTATION"',
        f'+ image: "registry.example/p:1.0@{DIGEST}"',
        '+ description: "text"',
        "+ cpu: 4",
        "+ gpu: 1",
        "+ default parameter confidence: 0.25",
        "+ input model_version_id: MODEL_VERSION, required",
    ]


def test_differences_are_told_in_words(registration: Registration) -> None:
    wanted = replace(
        registration,
        gpu=2,
        parameters={"iou": None},
        inputs={"model_version_id": RegisteredInput("model_version_id", "MODEL_VERSION", True, "SEGMENTATION", "ONNX")},
    )
    plan = compare(registration, wanted, prune=True)
    assert [str(each) for each in plan.differences] == [
        "~ gpu: 1 -> 2",
        "+ default parameter iou: null",
        "~ input model_version_id: MODEL_VERSION, required -> MODEL_VERSION, SEGMENTATION, ONNX, required",
        "- default parameter confidence: 0.25",
    ]
    assert compare(registration, wanted, prune=False).undeclared == ("default parameter confidence",)


def test_what_the_platform_does_not_tell_is_not_judged(registration: Registration) -> None:
    wanted = replace(registration, flags=("--shm-size=2g",))
    assert compare(replace(registration, flags=None), wanted, prune=False).fixed == ()
    (flags,) = compare(registration, wanted, prune=False).fixed
    assert str(flags) == '~ flags: [] -> ["--shm-size=2g"]'
