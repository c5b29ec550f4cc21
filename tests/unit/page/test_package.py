"""The npm package: its modules under node, and what its tarball has for programs in TypeScript."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.npm_package import ROOT, install, pack

HERE = Path(__file__).parent
PROGRAM = """\
import { Talker, ServiceError, type Events, type Final, type Session } from "whisper-text-analyzer-client";

const talker = new Talker("https://talk.example.org", { languages: ["ko", "en"], room: "demo", name: "Ann", key: "k" });
talker.on("final", (final) => show(final));
talker.on("interim", ({ stable, unstable }) => console.log(stable + unstable));
talker.on("stats", ({ scope, words }) => console.log(scope.length + words));
talker.on("people", ({ who }) => console.log(who?.map(({ name }) => name)));
const remove: () => void = talker.on("error", ({ code, remedy }: ServiceError) => console.log(code, remedy));
const states: Events["state"][] = ["connecting", "open", "reconnecting", "ended"];

function show({ text, sentiment, first_segment }: Final): void {
  const label: "negative" | "neutral" | "positive" | undefined = sentiment?.label;
  console.log(text, label, first_segment);
}

await talker.start({ echoCancellation: false, talkers: "one" });
const missing: number | null = await talker.stop();
const session: Session | null = talker.session;
console.log(missing, session?.token, states);
remove();
"""
WRONG = {
    'talker.on("sentence", () => {});': "TS2345",
    'talker.on("final", ({ mood }) => mood);': "TS2339",
    'new Talker("https://talk.example.org", { language: "en" });': "TS2561",
    'await talker.start({ talkers: "three" });': "TS2322",
}
"""A line that is wrong, and the error of TypeScript."""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Installed from its tarball, in a folder with nothing else."""
    folder = tmp_path_factory.mktemp("npm")
    return install(pack(folder), folder / "program")


def test_the_modules_of_the_package_keep_their_promises() -> None:
    """Every test under node passes."""
    done = subprocess.run(["node", "--test", *HERE.glob("package/*.test.js")], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "# tests 0\n" not in done.stdout


@pytest.mark.parametrize("resolution", [("esnext", "bundler"), ("nodenext", "nodenext")], ids=lambda both: both[1])
def test_a_program_in_typescript_is_checked_with_the_types_of_the_package(
    package: Path, resolution: tuple[str, str]
) -> None:
    """Also the types of the package themselves; what is wrong is found."""
    assert errors_in(package, PROGRAM, resolution) == []
    assert errors_in(package, PROGRAM + "\n".join(WRONG), resolution) == [*WRONG.values()]


def errors_in(package: Path, program: str, resolution: tuple[str, str]) -> list[str]:
    """Codes of TypeScript's errors, in the order of the lines."""
    file = package.parents[1] / "program.ts"
    file.write_text(program, "utf-8")
    module, way = resolution
    options = ["--strict", "--noEmit", "--pretty", "false", "--target", "es2022", "--lib", "es2022,dom", "--types", ""]
    tsc = str(ROOT / "node_modules/.bin/tsc")
    command = [tsc, *options, "--module", module, "--moduleResolution", way, str(file)]
    done = subprocess.run(command, cwd=file.parent, capture_output=True, text=True)
    return [line.split(": ")[1].removeprefix("error ") for line in done.stdout.splitlines() if line[:1].strip()]


def test_the_tarball_has_modules_with_types_and_nothing_that_builds_them(package: Path) -> None:
    """The worklet is one file; licence, readme and example are there."""
    files = {file.relative_to(package).as_posix() for file in package.rglob("*") if file.is_file()}
    own = {name for name in files if not name.startswith("dist/")}
    assert own == {"README.md", "package.json", "examples/talk.html"}
    modules = {name for name in files if name.endswith(".js")}
    untyped = {name for name in modules if name.removesuffix(".js") + ".d.ts" not in files}
    assert untyped == {"dist/page/audio/pcm-worklet.js", "dist/page/audio/resampler.js"}
    assert "dist/LICENSE" in files
    worklet = (package / "dist/page/audio/pcm-worklet.js").read_text("utf-8")
    assert re.findall(r"^(?:import|export) .*", worklet, re.M) == ["export {};"]
    assert not any('"../../../' in (package / name).read_text("utf-8") for name in modules)


def test_the_package_has_the_version_and_the_licence_of_the_project(package: Path) -> None:
    manifest = json.loads((package / "package.json").read_text("utf-8"))
    assert f'version = "{manifest["version"]}"' in (ROOT / "pyproject.toml").read_text("utf-8")
    assert (package / "dist/LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    assert "dependencies" not in manifest


def test_the_readme_of_the_package_shows_its_example() -> None:
    """As it is, so that what people copy is what the tests run."""
    example = (ROOT / "packages/browser/examples/talk.html").read_text("utf-8")
    assert f"```html\n{example}```\n" in (ROOT / "packages/browser/README.md").read_text("utf-8")
