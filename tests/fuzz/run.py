"""Fuzz the writing of messages: whatever is put in comes out again, or the sender is told why not.

The judges are those of tests/test_round_trip.py and the plugin's verdict on injections. The inputs come from
atheris where it can be installed, which sees what lines they reach and goes on from those that reached new
ones, and from Hypothesis elsewhere.

``python tests/fuzz/run.py`` tries all targets, ``run.py TARGET`` one of them, and ``run.py TARGET --again``
looks at what that failed with last time and shows the smallest such example.
"""

from __future__ import annotations

import argparse
import importlib.util
import random
import subprocess
import sys
from pathlib import Path
from time import monotonic

HERE = Path(__file__).parent
FOUND = HERE.parents[1] / "build" / "fuzz"
SEED = 20250101
BATCH = 200
"""Examples of Hypothesis between two looks at the clock."""
LONGEST = 1000
"""Octets of an input: enough for the largest message that the strategies make of them."""
SEEDED = 16
"""Inputs of chance to begin with: short ones are no complete messages."""

SHOWN = ("stat::number_of_executed_units", "stat::new_units_added", "stat::examples")
"""What is shown of what libFuzzer says at its end."""
TEXTS = {"body", "html", "text of alts", "data"}


def load_judges():
    """Return tests/test_round_trip.py; what it imports of flask_mail counts as new lines for atheris."""
    path = HERE.parent / "test_round_trip.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def list_targets():
    """Return the tests to feed, by name."""
    from hypothesis import given
    from hypothesis import strategies as st

    from pytest_flask_mail import assert_no_header_injection

    judges = load_judges()
    canary = judges.pieced(
        [*judges.PIECES, *judges.LINE_ENDS, *judges.UNSAFE, "X-Injection-Canary: 1", "To: "]
    )

    @given(field=st.sampled_from(sorted(judges.FIELDS)), text=judges.anything)
    def adds_nothing(field, text):
        judges.test_no_text_adds_anything.hypothesis.inner_test(field, text)

    # A text of its own may look like a header at its start.
    @given(field=st.sampled_from(sorted(judges.FIELDS.keys() - TEXTS)), text=canary)
    def injects_nothing(field, text):
        for envelope in judges.try_to_send(**judges.FIELDS[field](text)):
            assert_no_header_injection(envelope.content)

    @given(html=judges.lines)
    def html_alone(html):
        [envelope] = judges.try_to_send(html=html)
        [*_, written] = judges.leaves(judges.parse(envelope.content))
        assert judges.with_lf(written.get_content()) == judges.with_lf(html)

    return {
        "reads_back": judges.test_safe_text_reads_back,
        "fit_for_every_server": judges.test_the_message_is_fit_for_every_server,
        "json": judges.test_json_keeps_the_message,
        "address": judges.test_an_address_is_the_same_everywhere,
        "adds_nothing": adds_nothing,
        "injects_nothing": injects_nothing,
        "html_alone": html_alone,
    }


def fuzz(target, seconds):
    """Feed one target for so many seconds; does not return."""
    try:
        import atheris
    except ModuleNotFoundError:
        try_by_chance(target, seconds)
        sys.exit()
    with atheris.instrument_imports(include=["flask_mail"]):
        test = list_targets()[target]
    folder = FOUND / target
    folder.mkdir(parents=True, exist_ok=True)
    chance = random.Random(SEED)
    for number in range(SEEDED):
        (folder / f"chance-{number}").write_bytes(chance.randbytes(LONGEST))
    options = [f"-max_total_time={seconds}", f"-seed={SEED}", f"-max_len={LONGEST}", "-len_control=0"]
    options += ["-timeout=60", "-verbosity=0", "-print_final_stats=1", f"-artifact_prefix={FOUND}/{target}-"]
    atheris.Setup([sys.argv[0], *options, str(folder)], test.hypothesis.fuzz_one_input)
    atheris.Fuzz()


def try_by_chance(target, seconds):
    """Feed one target with what Hypothesis makes, for so many seconds."""
    from hypothesis import seed
    from hypothesis import settings

    test = settings(max_examples=BATCH, deadline=None, database=None)(list_targets()[target])
    end, batch = monotonic() + seconds, 0
    while monotonic() < end:
        batch += 1
        seed(SEED + batch)(test)()
    print(f"stat::examples without atheris: {batch * BATCH}")


def show_again(target):
    """Run the target on what Hypothesis remembers, and raise the error with the smallest example."""
    from hypothesis import settings

    settings(deadline=None)(list_targets()[target])()


def run_all(seconds):
    """Fuzz each target in a process of its own, and return how many failed."""
    targets = list_targets()
    failed = [target for target in targets if not is_passing(target, seconds)]
    print(f"{len(targets) - len(failed)} passed, {len(failed)} failed")
    return len(failed)


def is_passing(target, seconds):
    """Fuzz one target, say how far that came, or show the smallest example that failed."""
    print(f"{target:22}", end="", flush=True)
    command = [sys.executable, __file__, target]
    done = subprocess.run([*command, "--seconds", str(seconds)], capture_output=True, text=True)
    if done.returncode:
        print(done.stdout + done.stderr, flush=True)
        subprocess.run([*command, "--again"])
        return False
    lines = (done.stdout + done.stderr).splitlines()
    print("; ".join(line.removeprefix("stat::") for line in lines if line.startswith(SHOWN)), flush=True)
    return True


def main():
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("target", nargs="?")
    parser.add_argument("--seconds", type=int, default=15, help="for each target")
    parser.add_argument("--again", action="store_true", help="show the smallest example that failed")
    said = parser.parse_args()
    if said.target is None:
        sys.exit(run_all(said.seconds))
    elif said.again:
        show_again(said.target)
    else:
        fuzz(said.target, said.seconds)


if __name__ == "__main__":
    main()
