"""What a stranger expects of a repository: one version, valid forms, addresses, licences."""

import csv
import fnmatch
import re
import subprocess
import tomllib
from pathlib import Path, PurePosixPath

import check_jsonschema
import pytest
import yaml

import helpers

PROJECT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
URLS = PYPROJECT["project"]["urls"]
TEXTS = (".cff", ".ipynb", ".md", ".py", ".toml", ".yml", ".yaml")  # that may hold addresses
SCHEMAS = {
    "CITATION.cff": "citation-file-format",
    ".github/ISSUE_TEMPLATE/config.yml": "github-issue-config",
    ".github/ISSUE_TEMPLATE/[!c]*.yml": "github-issue-forms",
    ".github/workflows/*.yml": "github-workflows",
}


def read(name):
    return (PROJECT / name).read_text(encoding="utf-8")


def tracked():
    """List the files of the repository, or where there is no git, all that isn't ignored."""
    try:
        listing = subprocess.run(
            ["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=True
        )
        return listing.stdout.split("\0")[:-1]
    except (OSError, subprocess.CalledProcessError):
        ignored = [line.strip("/") for line in read(".gitignore").split()] + [".git", "shared"]
        paths = (path.relative_to(PROJECT) for path in PROJECT.rglob("*") if path.is_file())
        return [
            path.as_posix()
            for path in paths
            if not any(fnmatch.fnmatch(part, one) for part in path.parts for one in ignored)
        ]


FILES = tracked()


def test_the_version_is_said_once_and_elsewhere_agrees():
    assert PYPROJECT["project"]["dynamic"] == ["version"]
    assert PYPROJECT["tool"]["setuptools"]["dynamic"] == {
        "version": {"attr": "helpers.__version__"}
    }
    released = re.findall(r"^## (\d+\.\d+\.\d+) - (\d{4}-\d\d-\d\d)$", read("CHANGELOG.md"), re.M)
    citation = yaml.safe_load(read("CITATION.cff"))
    assert released[0] == (helpers.__version__, citation["date-released"])
    assert citation["version"] == helpers.__version__


def test_every_release_has_its_date_and_the_newest_stands_first():
    headings = re.findall(r"^## (.+)$", read("CHANGELOG.md").replace("## Unreleased\n", ""), re.M)
    matches = [re.fullmatch(r"(\d+)\.(\d+)\.(\d+) - (\d{4}-\d\d-\d\d)", one) for one in headings]
    assert all(matches), headings
    versions = [tuple(map(int, match.groups()[:3])) for match in matches]
    assert versions == sorted(set(versions), reverse=True)
    dates = [match[4] for match in matches]
    assert dates == sorted(dates, reverse=True)


def test_errata_have_dates_and_versions_the_newest_first():
    said = re.findall(r"^## (\d{4}-\d\d-\d\d) \((\d+\.\d+\.\d+)\)$", read("docs/errata.md"), re.M)
    assert len(said) == read("docs/errata.md").count("\n## ")
    order = [(date, [*map(int, version.split("."))]) for date, version in said]
    assert order == sorted(order, reverse=True)
    assert {version for _, version in said} <= set(
        re.findall(r"^## (\S+)", read("CHANGELOG.md"), re.M)
    )


@pytest.mark.parametrize("pattern", SCHEMAS)
def test_what_others_programs_read_is_as_they_read_it(pattern):
    paths = sorted(map(str, PROJECT.glob(pattern)))
    assert paths
    schema = f"vendor.{SCHEMAS[pattern]}"
    options = ["--force-filetype", "yaml", "--builtin-schema", schema]
    assert check_jsonschema.main([*options, *paths], standalone_mode=False) == 0


def test_workflows_may_do_no_more_than_they_need():
    for path in PROJECT.glob(".github/workflows/*.yml"):
        workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert workflow["permissions"] == {"contents": "read"}, path.name
        more = {
            name: job["permissions"]
            for name, job in workflow["jobs"].items()
            if "permissions" in job
        }
        publish = {"publish": {"pages": "write", "id-token": "write"}}
        assert more == (publish if path.name == "book.yml" else {}), path.name


def test_ci_tries_every_python_that_is_allowed():
    jobs = yaml.safe_load(read(".github/workflows/ci.yml"))["jobs"]
    pythons = jobs["code"]["strategy"]["matrix"]["python"]
    assert PYPROJECT["project"]["requires-python"] == f">={pythons[0]},<3.14"
    assert pythons == ["3.11", "3.12", "3.13"]


def test_before_a_commit_runs_the_ruff_that_is_pinned():
    pinned = re.search(r"^ruff==(\S+)$", read("requirements-dev.txt"), re.M)[1]
    (repo,) = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"]
    assert repo["rev"] == f"v{pinned}"
    assert [hook["id"] for hook in repo["hooks"]] == ["ruff-check", "ruff-format"]


def addresses():
    """Yield each address of the project that a file names, and the file."""
    for name in FILES:
        if PurePosixPath(name).suffix in TEXTS:
            text = re.sub(r"base64,[\w+/=]+", "", read(name))
            for address in re.findall(r"https://[\w.-]*(?:/[^\s)\"'<>`]*)?", text):
                if re.match(
                    r"https://(music-from-raw-audio\.github\.io|github\.com/music-)", address
                ):
                    yield name, address


def test_every_address_of_the_project_leads_to_something_of_it():
    found = set()
    for name, address in addresses():
        if address.startswith(URLS["Book"]):
            page = address.removeprefix(URLS["Book"]).partition("#")[0].removesuffix(".html")
            there = not page or any(
                (PROJECT / folder / f"{page}{suffix}").exists()
                for folder, suffix in (("notebooks", ".ipynb"), ("docs", ".md"))
            )
        else:
            place = address.removeprefix(URLS["Repository"]).rstrip("/.,")
            assert address.startswith(URLS["Repository"]), (name, address)
            file = place.removeprefix("/blob/main/").partition("#")[0]
            there = place in ("", ".git", "/issues", "/discussions") or (PROJECT / file).is_file()
        assert there, (name, address)
        found.add(name)
    assert {"README.md", "CITATION.cff", "pyproject.toml"} <= found


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".md")])
def test_a_link_between_files_leads_to_a_file(name):
    text = re.sub(r"```.*?```|`[^`]*`", "", read(name), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, anchor = target.partition("#")
        if not re.match(r"[a-z]+:", target):
            file = (PROJECT / name).parent / path if path else PROJECT / name
            assert file.exists(), target
            if anchor and file.suffix == ".md":
                headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.M)
                named = {
                    re.sub(r"[^\w -]", "", text.lower()).replace(" ", "-") for text in headings
                }
                assert anchor.lower() in named, target


def rules():
    """Read which patterns have which licence, from the first table of docs/licences.md."""
    table = read("docs/licences.md").split("## ")[0]
    return {
        pattern: licence
        for files, licence in re.findall(r"^\| (`.*`) \| (.*) \|$", table, re.M)
        for pattern in re.findall(r"`([^`]+)`", files)
    }


def covers(pattern, name):
    return ("/" in pattern) == ("/" in name) and fnmatch.fnmatchcase(name, pattern)


def test_every_file_has_exactly_one_licence():
    for name in FILES:
        covering = [pattern for pattern in rules() if covers(pattern, name)]
        assert len(covering) == 1, f"docs/licences.md: {name} is covered by {covering}"


def test_every_rule_is_needed_and_what_is_of_a_piece_names_its_piece():
    with open(PROJECT / "data" / "manifest.csv", encoding="utf-8", newline="") as file:
        licences = {row["name"]: row["licence"] for row in csv.DictReader(file)}
    for pattern, licence in rules().items():
        names = [name for name in FILES if covers(pattern, name)]
        assert names, pattern
        if "manifest.csv" in licence:
            assert all(licences[PurePosixPath(name).stem] for name in names)
