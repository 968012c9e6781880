"""What docs/store.md and docs/integrations.md show, works."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from fetalstream.pipeline import metrics
from fetalstream.pipeline.config import Config
from fetalstream.sinks import PlaneEntered
from fetalstream.sinks.store import StoreSink
from fetalstream.sinks.store_file import reading

DOCS = Path(__file__).resolve().parents[2] / "docs"
STORE = (DOCS / "store.md").read_text(encoding="utf-8")
INTEGRATIONS = (DOCS / "integrations.md").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.+?)```", text, re.DOTALL)


def test_the_chain_can_be_verified_with_the_script_of_the_page(tmp_path: Path):
    path = tmp_path / "events.db"
    sink = StoreSink(path)
    for sequence in range(5):
        sink.write(PlaneEntered(stream="ä", sequence=sequence, plane="femur", start_seconds=1.0, score=0.9))
    sink.close()
    with reading(path) as store:
        *_, last = store.checked_records()
    (script,) = blocks(STORE, "python")
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == last.hash.hex()


def test_the_query_of_the_page_works(tmp_path: Path):
    path = tmp_path / "events.db"
    sink = StoreSink(path)
    sink.write(PlaneEntered(stream="s", sequence=0, plane="femur", start_seconds=1.5, score=0.9))
    (query,) = blocks(STORE, "sql")
    with reading(path) as store:
        assert store._database.execute(query).fetchall() == [("femur", 1.5)]
    sink.close()


@pytest.mark.parametrize("text", [*blocks(STORE, "yaml"), *blocks(INTEGRATIONS, "yaml")])
def test_every_configuration_of_the_pages_is_one(text: str):
    Config.model_validate(yaml.safe_load(text))


def test_the_page_lists_every_metric_there_is():
    source = Path(metrics.__file__).read_text(encoding="utf-8")
    counters = {f"fetalstream_{name}_total" for name in re.findall(r'_counter\("(\w+)"', source)}
    gauges = {f"fetalstream_{name}" for name in re.findall(r'_gauge\("(\w+)"', source)}
    histograms = set(re.findall(r'HistogramMetricFamily\(\s*"(\w+)"', source))
    assert len(counters) > 5
    assert len(gauges) > 5
    assert len(histograms) == 2
    listed = set(re.findall(r"`(fetalstream_\w+)`", INTEGRATIONS))
    assert counters | gauges | histograms <= listed
