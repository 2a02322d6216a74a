"""FastAPI as its documentation has it: a raw body, and an UploadFile."""

from typing import Any

from fastapi import FastAPI, Request, UploadFile

from tests.benchmarks.peers.shared import Predictor, decode

predictor = Predictor()
app = FastAPI()


@app.get("/")
async def ready() -> str:
    """Answers as soon as the model is loaded."""
    return "ready"


@app.post("/raw")
async def raw(request: Request) -> dict[str, Any]:
    """The picture is the body."""
    [probabilities] = predictor.probabilities(decode(await request.body())[None])
    return predictor.answer(probabilities)


@app.post("/multipart")
async def multipart(image: UploadFile) -> dict[str, Any]:
    """The picture is a file of a form."""
    [probabilities] = predictor.probabilities(decode(await image.read())[None])
    return predictor.answer(probabilities)
