"""A photo as it is looked at, and what somebody else has cut out of its backdrop already."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from libs.imaging.decode import open_rgb
from libs.imaging.pixels import Pixels, Plane
from libs.imaging.segmentation import Cutout, Evidence, segment

OPAQUE = 250  # of 255; some programs write no more
GIVEN_CONFIDENCE = 0.95  # they may have cut badly


@dataclass(frozen=True, slots=True)
class Photo:
    """`rgb` as seen on white; `layer` is the same with alpha (H×W×4), if the file has one that hides something."""

    rgb: Pixels
    layer: Pixels | None = None

    def cut_out(self, prior: Plane | None = None) -> Cutout:
        """By its own alpha if it has one, otherwise as `segment` does."""
        if self.layer is None:
            return segment(self.rgb, prior)
        alpha = self.layer[..., 3].astype(np.float32) / 255
        return Cutout(
            rgb=np.where(alpha[..., None] > 0, self.layer[..., :3], np.uint8(255)),
            alpha=alpha,
            confidence=GIVEN_CONFIDENCE,
            plain_background=True,
            background_rgb=None,
            evidence=Evidence(1.0, 1.0, frame_contact=0.0, area=round(float((alpha > 0.5).mean()), 3)),
            warnings=(),
        )


def open_photo(data: bytes, longest_side: int) -> Photo:
    """Raises as `libs.imaging.decode.open_rgb` does."""
    image = open_rgb(data, longest_side=longest_side, keep_alpha=True)
    if image.mode != "RGBA":
        return Photo(np.asarray(image))
    layer = np.asarray(image)
    on_white = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    least, most = layer[..., 3].min(), layer[..., 3].max()
    return Photo(np.asarray(on_white), layer if least < OPAQUE and most > 127 else None)
