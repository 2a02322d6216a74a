"""Charts over time: what stands alone is seen, and bursts and promotions are marked."""

from zoneinfo import ZoneInfo

from app.charts import traffic
from app.charts.timeline import ChartContext, add_line, over_time
from app.clients.prometheus import Series, Window
from app.monitoring.snapshot import (
    LOAD_TESTS,
    STEPS,
    LoadTest,
    Promotion,
    Snapshot,
    Status,
    window_query,
)

TIMES = (100, 102, 104, 106, 108)


def snapshot_of(*series: Series) -> Snapshot:
    return Snapshot(Status((), (), {}), Window(TIMES, 2, series))


def context_of(*series: Series) -> ChartContext:
    snapshot = snapshot_of(*series)
    return ChartContext(
        snapshot.window, ZoneInfo("Asia/Seoul"), snapshot.promotions(), snapshot.load_tests()
    )


def test_a_value_without_neighbours_has_a_dot() -> None:
    context = context_of()
    figure = over_time(context, "Latency")
    values = (5.0, None, 1.0, 2.0, None)
    add_line(figure, context, Series("latency", {}, values), "p95", "green", scale=1)
    [line] = figure.data
    assert "markers" in line.mode
    assert [size > 0 for size in line.marker.size] == [True, False, False, False, False]


def test_codes_that_did_not_occur_are_left_out() -> None:
    def code(code: str, *values: float) -> Series:
        labels = {"job": "classifier", "http_response_code": code}
        return Series("wardrobe:requests:rate1m", labels, values)

    context = context_of(
        code("503", 0, 0, 0, 0, 0), code("415", 0, 1, 0, 0, 0), code("200", *TIMES)
    )
    assert [trace.name for trace in traffic.requests_by_code(context).data] == ["200", "415"]


def test_each_burst_is_one_band_from_the_point_before_it() -> None:
    series = Series(LOAD_TESTS, {"job": "classifier"}, (0.0, 3.0, 1.0, 0.0, 2.0))
    assert snapshot_of(series).load_tests() == [LoadTest(100, 104), LoadTest(106, 108)]
    figure = over_time(context_of(series), "Latency")
    bands = [shape for shape in figure.layout.shapes if shape.type == "rect"]
    assert [band.x0.second for band in bands] == [40, 46]
    assert [note.text for note in figure.layout.annotations] == ["burst", "burst"]


def test_a_promotion_is_a_mark_with_its_tag() -> None:
    tag = "fashion_mnist_model:abc"
    series = Series("wardrobe:model_promoted:timestamp_seconds", {"model": tag}, (103.0,) * 5)
    assert snapshot_of(series).promotions() == [Promotion(tag, 103.0)]
    [mark] = over_time(context_of(series), "Latency").layout.annotations
    assert (mark.name, mark.captureevents) == (tag, True)


def test_a_long_range_shows_the_highest_value_between_two_points() -> None:
    names = ("wardrobe:in_flight:sum", "wardrobe:estimated_accuracy:ratio5m")
    assert window_query(names, STEPS[300]) == f'{{__name__=~"{"|".join(names)}"}}'
    assert window_query(names, STEPS[86_400]) == (
        'label_replace(max_over_time(wardrobe:in_flight:sum[600s]), "name", '
        '"wardrobe:in_flight:sum", "", "") or '
        "label_replace(min_over_time(wardrobe:estimated_accuracy:ratio5m[600s]), "
        '"name", "wardrobe:estimated_accuracy:ratio5m", "", "")'
    )
