"""Somebody else's BentoML service, which uses the classifier as BentoML documents it."""

from pathlib import Path
from typing import Annotated, Any

import bentoml
from bentoml.exceptions import BentoMLException
from bentoml.validators import ContentType

from service.classifier import Classifier

Picture = Annotated[Path, ContentType("image/*")]


@bentoml.service(name="stylist", workers=1)
class Stylist:
    """Passes pictures on to the classifier, and its answers or errors back."""

    classifier = bentoml.depends(Classifier)

    @bentoml.api
    async def classify(self, image: Picture) -> dict[str, Any]:
        """Answer what the classifier answers."""
        return await self._answer("classify", image=image)

    @bentoml.api
    async def classify_many(self, images: list[Picture]) -> dict[str, Any]:
        """Answer what the classifier answers, as `answers`."""
        return await self._answer("classify_many", images=images)

    @bentoml.api
    async def explain(self, image: Picture) -> dict[str, Any]:
        """Answer what the classifier answers."""
        return await self._answer("explain", image=image)

    @bentoml.api
    async def preview(self, image: Picture) -> dict[str, Any]:
        """Answer the pixels that the classifier shows."""
        return await self._answer("preview", image=image)

    async def _answer(self, endpoint: str, **pictures: Any) -> dict[str, Any]:
        try:
            answer = await getattr(self.classifier.to_async, endpoint)(**pictures)
        except BentoMLException as error:
            return {"status": int(error.error_code), "text": str(error)}
        match endpoint:
            case "preview":
                return {"pixels": list(answer.getdata()), "size": list(answer.size)}
            case "classify_many":
                return {"answers": [one.model_dump() for one in answer]}
        dumped: dict[str, Any] = answer.model_dump()
        return dumped
