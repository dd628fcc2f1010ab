"""`Encode` on engines: ids do not depend on the order of rows, nor on how they are divided."""

import os
import random
import shutil
import sys

import pytest

arrow = pytest.importorskip("pyarrow", reason="pip install pyarrow")

from bytepiece.integrations import batches, datasets  # noqa: E402
from bytepiece.integrations.batches import Encode  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")  # of the engines, about one another

TEXTS = [f"the cat and the hat {i}, 今天天气 👍" for i in range(50)] + ["", "the cat", "the cat"]
NAMES = [f"<urn:uuid:{i}>" for i in range(len(TEXTS))]
KEPT = ["name", "number"]
DIVISIONS = [(1, "name"), (3, "number"), (17, "text")]
"""The number of parts, and where the documents' numbers come from."""


def with_ray(table, parts, encode):
    ray = pytest.importorskip("ray", reason="pip install 'ray[data]'")
    if not ray.is_initialized():
        ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="error")
    rows = ray.data.from_arrow(table).repartition(parts)
    found = rows.map_batches(encode, batch_format="pyarrow").take_all()
    return {row["name"]: list(row["input_ids"]) for row in found}


def with_spark(table, parts, encode):
    sql = pytest.importorskip("pyspark.sql", reason="pip install pyspark")
    if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        pytest.skip("Spark needs Java")
    os.environ["PYSPARK_PYTHON"] = sys.executable
    session = sql.SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    frame = session.getOrCreate().createDataFrame(table).repartition(parts)
    kinds = "name string, number long, input_ids array<int>"
    found = frame.mapInArrow(lambda some: map(encode, some), kinds).collect()
    return {row.name: row.input_ids for row in found}


def with_dask(table, parts, encode):
    frames = pytest.importorskip("dask.dataframe", reason="pip install 'dask[dataframe]'")

    def ids(part):
        return encode(arrow.Table.from_pandas(part, preserve_index=False)).to_pandas()

    frame = frames.from_pandas(table.to_pandas(), npartitions=parts)
    kinds = {"name": str, "number": int, "input_ids": object}
    found = frame.map_partitions(ids, meta=kinds).compute()
    return {name: ids.tolist() for name, ids in zip(found["name"], found["input_ids"], strict=True)}


def with_daft(table, parts, encode):
    daft = pytest.importorskip("daft", reason="pip install daft")

    @daft.func.batch(
        return_dtype=daft.DataType.list(daft.DataType.int32()), batch_size=-(-len(TEXTS) // parts)
    )
    def ids(*columns: daft.Series):
        part = dict(zip(table.column_names, map(daft.Series.to_arrow, columns), strict=True))
        return encode(arrow.table(part))["input_ids"].combine_chunks()

    frame = daft.from_arrow(table)
    columns = [frame[name] for name in table.column_names]
    found = frame.select(frame["name"], ids(*columns).alias("ids")).to_pydict()
    return dict(zip(found["name"], found["ids"], strict=True))


def with_polars(table, parts, encode):
    polars = pytest.importorskip("polars", reason="pip install polars")
    kinds = {"name": polars.String, "number": polars.Int64, "input_ids": polars.List(polars.Int32)}
    frame = polars.DataFrame(table)
    found = polars.concat(
        part.lazy().map_batches(
            lambda some: polars.DataFrame(encode(some.to_arrow())), schema=kinds
        )
        for part in frame.iter_slices(-(-len(frame) // parts))
    ).collect()
    return dict(zip(found["name"], found["input_ids"].to_list(), strict=True))


@pytest.fixture(scope="module", autouse=True)
def engines():
    """Stop what the tests have started."""
    yield
    if ray := sys.modules.get("ray"):
        ray.shutdown()
    if sql := sys.modules.get("pyspark.sql"):
        session = sql.SparkSession.getActiveSession()
        if session is not None:
            session.stop()


@pytest.mark.parametrize(("parts", "doc_ids"), DIVISIONS)
@pytest.mark.parametrize("with_engine", [with_ray, with_spark, with_dask, with_daft, with_polars])
def test_ids_do_not_depend_on_the_partitions(tok, with_engine, parts, doc_ids):
    numbers = range(-40, len(TEXTS) - 40)
    given = {"name": NAMES, "number": numbers, "text": "text"}[doc_ids]
    rows = tok.encode_batch(TEXTS, alpha=0.1, seed=7, doc_ids=given)
    expected = dict(zip(NAMES, [row.tolist() for row in rows], strict=True))
    order = random.Random(parts).sample(range(len(TEXTS)), len(TEXTS))
    table = arrow.table({"name": NAMES, "number": numbers, "text": TEXTS}).take(order)
    encode = Encode(tok, alpha=0.1, seed=7, doc_ids=doc_ids, keep=KEPT)
    assert with_engine(table, parts, encode) == expected


def test_a_record_batch_stays_one(tok):
    table = arrow.table({"number": range(len(TEXTS)), "text": TEXTS})
    encode = Encode(tok, alpha=0.1, doc_ids="number", keep=["number"])
    for batch in table.to_batches(max_chunksize=20):
        found = encode(batch)
        assert isinstance(found, arrow.RecordBatch)
        assert arrow.Table.from_batches([found]) == encode(arrow.Table.from_batches([batch]))


def test_the_name_of_datasets_stands_for_the_same_object():
    assert datasets.Encode is batches.Encode
