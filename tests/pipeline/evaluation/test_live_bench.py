"""The law of the live benchmark: it measures the real thing, on a clip that is there already."""

from pathlib import Path

from fetalstream.pipeline.evaluation.bench import record
from fetalstream.pipeline.evaluation.live_bench import STAGES, bench_live


def test_every_frame_is_accounted_for_and_every_stage_measured(tmp_path: Path):
    clip = tmp_path / "scan.mp4"
    record("phantom://?seed=3&seconds=3&size=400x300&screen=1&realtime=0", clip)
    result = bench_live(flags={}, clip=clip)
    assert result.frames_read == 75
    assert result.frames_embedded + sum(result.frames_dropped.values()) == 75
    assert list(result.stage_ms) == list(STAGES)
    assert all(mean_ms > 0 for mean_ms in result.stage_ms.values())
    assert 0 < result.stage_ms["encode"] < result.latency_p50_ms <= result.latency_p95_ms
    assert abs(result.ratio - result.latency_p50_ms / result.bare_ms) < 0.1
