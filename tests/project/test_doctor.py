"""The doctor sees what is missing, says the command that mends it, and fails only for what is required."""

import builtins
import shutil
from importlib import metadata

import pytest
from packaging.requirements import Requirement

from patchbook import doctor
from patchbook.doctor import Finding, examine, report
from patchbook.models import hub


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    (tmp_path / "_config.yml").write_text("title: a course\n")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def without_nbgrader(monkeypatch):
    version = metadata.version

    def absent(name):
        if name == "nbgrader":
            raise metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(doctor.metadata, "version", absent)


def named(findings, name):
    return next(finding for finding in findings if finding.name == name)


def test_versions_of_everything_asked_for_are_shown(checkout):
    findings = examine()
    names = [finding.name for finding in findings]
    assert {"python", "patchbook", "torch", "transformer_lens", "typeguard", "jaxtyping", "nbgrader",
            "jupyter-book", "device", "tiny-gpt2", "gpt2-small"} <= set(names)  # fmt: skip
    assert named(findings, "torch").state == metadata.version("torch")
    assert named(findings, "device").state.startswith(("cpu", "cuda", "mps"))


def test_graders_need_nbgrader_and_learners_do_not(checkout, without_nbgrader):
    finding = named(doctor.packages(), "nbgrader")
    assert finding.fatal and finding.state == "missing"
    assert '-m pip install "nbgrader' in finding.mend


def test_outside_a_checkout_nbgrader_is_optional(elsewhere, without_nbgrader):
    finding = named(doctor.packages(), "nbgrader")
    assert finding.mend and not finding.fatal


def test_a_version_that_is_too_old_is_named_with_the_one_wanted():
    finding = doctor.package(Requirement("torch>=99"), fatal=True)
    assert finding.fatal and "wanted >=99" in finding.state and '"torch>=99"' in finding.mend


def test_a_missing_program_is_optional_and_has_a_command(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    missing = doctor.programs()
    assert [finding.mend for finding in missing] == [
        "apt-get install make",
        "apt-get install bubblewrap",
        "apt-get install chromium",
        "apt-get install postgresql",
        "apt-get install curl",
    ]
    assert not any(finding.fatal for finding in missing)


def test_grading_needs_alembic(checkout, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    assert doctor.grading_commands()[0].fatal


def test_a_torch_that_does_not_start_is_told(monkeypatch):
    really = builtins.__import__

    def broken(name, *rest):
        if name == "torch":
            raise OSError("libtorch.so: cannot open shared object file\nmore")
        return really(name, *rest)

    monkeypatch.setattr(builtins, "__import__", broken)
    finding = doctor.device()
    assert (
        finding.fatal and finding.state == "torch does not start: libtorch.so: cannot open shared object file"
    )


def test_a_shipped_model_that_is_not_there_is_fatal_and_the_hub_is_not(monkeypatch, tmp_path):
    monkeypatch.setattr("patchbook.zoo.ZOO", tmp_path)
    monkeypatch.setattr(hub, "cached", lambda repo: None)
    monkeypatch.setattr(hub, "answers", lambda: False)
    found = {finding.name: finding for finding in doctor.models()}
    assert found["tiny-gpt2"].fatal and found["tiny-gpt2"].state == "missing" and found["tiny-gpt2"].mend
    assert not found["gpt2-small"].fatal and "internet" in found["gpt2-small"].mend


def test_the_report_ends_with_what_to_do_and_the_required_first(capsys):
    report([
        Finding("python", "3.11"),
        Finding("bwrap", "missing", "apt-get install bubblewrap"),
        Finding("torch", "missing", "pip install torch", fatal=True),
    ])  # fmt: skip
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["✓ python  3.11", "! bwrap   missing", "✗ torch   missing"]
    assert lines.index("  torch (required): pip install torch") < lines.index(
        "  bwrap (optional): apt-get install bubblewrap"
    )
    assert lines[-1] == "1 required thing is missing."
