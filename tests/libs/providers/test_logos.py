"""Logos as documents: the same brief draws the same logo, an instruction changes what it names and nothing else."""

import colorsys
import re
from typing import get_args
from xml.etree import ElementTree

import cv2
import numpy as np
import pydantic
import pytest
import webcolors

from libs.imaging.pixels import Pixels
from libs.providers.base import Brief
from libs.providers.errors import ProviderError
from libs.providers.local.logo.design import Design, FaceName, Layout, MarkName
from libs.providers.local.logo.draft import draft, initials
from libs.providers.local.logo.layout import lay_out
from libs.providers.local.logo.lettering import set_text
from libs.providers.local.logo.lines import Setting, capitals, fit
from libs.providers.local.logo.palette import contrast
from libs.providers.local.logo.refine import refine
from libs.providers.local.logo.render import rasterise, svg

SIDE = 160
BRIEF = Brief("small batches", "Morning Ember", "roasted daily", "coffee", ("craft",))
DESIGN = draft(BRIEF, 4, 0)


def drawn(design: Design, width: int = SIDE, height: int = SIDE) -> Pixels:
    return rasterise(lay_out(design, width, height))


def ink(design: Design) -> Pixels:
    """Where a transparent logo is opaque."""
    return drawn(design.model_copy(update={"background": "transparent"}))[..., 3] > 127


def test_a_brief_decides_mark_lettering_and_colours() -> None:
    assert (DESIGN.mark, DESIGN.face, DESIGN.letters) == ("cup", "slab", "ME")
    assert draft(Brief("a mountain, in navy", "Peak"), 4, 0).mark == "mountain"
    assert draft(Brief("a mountain, in navy", "Peak"), 4, 0).palette[0] == "#000080"
    assert draft(Brief("", "Peak", colours=("#E8AD00",)), 4, 0).palette[0] == "#e8ad00"


def test_a_briefs_colours_are_the_palette_and_what_it_excludes_is_not_drawn() -> None:
    design = draft(Brief("forest green and cream, no red, no leaf", "Peak", industry="garden"), 4, 0)
    assert design.palette[:2] == ("#228b22", "#f3e9d8")
    assert design.mark == "petals"
    assert draft(Brief("#0A5C36", "Peak"), 4, 0).palette[0] == "#0a5c36"
    assert draft(Brief("", "Peak", colours=("forest green", "#fed")), 4, 0).palette[:2] == (
        "#228b22",
        "#ffeedd",
    )
    third = colorsys.rgb_to_hls(*(value / 255 for value in webcolors.hex_to_rgb(design.palette[2])))
    assert third[0] == pytest.approx(1 / 3, abs=0.01)


def test_the_pictures_of_one_brief_differ_and_repeat() -> None:
    first, again = ([drawn(draft(BRIEF, 4, index)).tobytes() for index in range(4)] for _ in range(2))
    assert first == again
    assert len(set(first)) == 4


@pytest.mark.parametrize("mark", get_args(MarkName))
def test_every_mark_stays_in_its_square_and_is_like_no_other(mark: MarkName) -> None:
    marks: tuple[MarkName, ...] = get_args(MarkName)
    changes = {"layout": "mark", "background": "transparent"}
    others = {
        drawn(DESIGN.model_copy(update={**changes, "mark": other})).tobytes()
        for other in marks
        if other != mark
    }
    for seed in range(3):
        cover = drawn(DESIGN.model_copy(update={**changes, "mark": mark, "seed": (seed, 0)}))
        assert 0.05 < (cover[..., 3] > 127).mean() < 0.6
        assert not cover[[0, -1], :, 3].any()
        assert not cover[:, [0, -1], 3].any()
        assert cover.tobytes() not in others


@pytest.mark.parametrize("layout", get_args(Layout))
@pytest.mark.parametrize("size", [(160, 160), (240, 100), (90, 200)])
def test_every_layout_fits_every_shape(layout: Layout, size: tuple[int, int]) -> None:
    design = DESIGN.model_copy(update={"layout": layout, "background": "transparent", "mark_scale": 1.0})
    alpha = drawn(design, *size)[..., 3]
    assert alpha.shape == size[::-1]
    assert alpha.max() == 255
    assert not alpha[[0, -1]].any()
    assert not alpha[:, [0, -1]].any()


@pytest.mark.parametrize("face", get_args(FaceName))
def test_letters_are_solid_and_their_counters_open(face: FaceName) -> None:
    """Strokes of a letter may overlap in the font; the overlap is no hole."""
    holes = {letter: _holes(letter, face) for letter in "nitLoedpqA8"}
    assert holes == dict.fromkeys("nitL", 0) | dict.fromkeys("oedpqA", 1) | {"8": 2}


def _holes(letter: str, face: FaceName) -> int:
    mask = np.zeros((200, 200), np.uint8)
    (glyph,) = set_text(letter, face).glyphs
    cv2.fillPoly(mask, [(ring * 130 + (30, 150)).round().astype(np.int32) for ring in glyph], 1)
    count, _, stats, _ = cv2.connectedComponentsWithStats(1 - mask, connectivity=4)
    return sum(int(stats[index, cv2.CC_STAT_AREA]) > 4 for index in range(1, count)) - 1


def test_words_are_kerned_and_set_in_a_face_that_has_them() -> None:
    assert set_text("AV", "modern").width < set_text("A", "modern").width + set_text("V", "modern").width
    assert set_text("Łódź", "rounded").width == set_text("Łódź", "soft").width
    assert set_text("日本", "modern").missing == "日本"


NAMES = [
    "X",
    "Salt & Pepper",
    "The Extraordinary Peppermint & Sugar Mill",
    "Supercalifragilisticexpialidociousness12",
    "Живая вода",
    "Ελληνικό Φως",
    "München Brauhaus GmbH & Co. KG",
]
TAGLINES = [
    "",
    "since 1974",
    "a tagline that goes on for quite a while, up to the eighty letters it may have!!",
]


@pytest.mark.parametrize("layout", ["stacked", "horizontal", "badge", "wordmark"])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("tagline", TAGLINES)
def test_name_and_tagline_fit_and_can_be_read(layout: Layout, name: str, tagline: str) -> None:
    change = {"layout": layout, "background": "transparent", "ink": "#ff0000", "tagline_ink": "#0000ff"}
    canvas = lay_out(draft(Brief("", name, tagline), 4, 0).model_copy(update=change), 1000, 1000)
    points = np.concatenate([ring for fill in canvas.fills for ring in fill.rings])
    assert points.min() > 20
    assert points.max() < 980
    written, below = (
        [ring[:, 1] for fill in canvas.fills if fill.colour == colour for ring in fill.rings]
        for colour in ("#ff0000", "#0000ff")
    )
    assert np.median([np.ptp(ring) for ring in written]) > 7
    assert not tagline or np.median([np.ptp(ring) for ring in below]) > 7
    assert not tagline or np.concatenate(below).min() > np.concatenate(written).max()
    assert not canvas.missing


def lines_of(name: str) -> int:
    return len(fit(name, Setting("modern"), 700, 115, 3).lines)


def test_a_long_name_takes_lines_where_they_make_it_larger() -> None:
    assert [lines_of(name) for name in NAMES[:4]] == [1, 1, 3, 1]
    single, split = (fit(NAMES[2], Setting("modern"), 700, 115, most) for most in (1, 3))
    assert split.cap_height > 1.3 * single.cap_height


def test_greek_capitals_have_no_accents_and_others_keep_theirs() -> None:
    assert [capitals(word) for word in ("από το φως", "café", "ağaç")] == ["ΑΠΟ ΤΟ ΦΩΣ", "CAFÉ", "AĞAÇ"]


def test_what_no_face_has_is_left_out_and_told() -> None:
    canvas = lay_out(draft(Brief("", "🔥 Ember 👩‍🍳", "hot 🔥"), 4, 0), SIDE, SIDE)
    assert canvas.missing == "🔥👩🍳"
    assert set_text("🔥 Ember", "modern").width == set_text("Ember", "modern").width


def test_a_name_that_no_face_has_leaves_the_mark_alone() -> None:
    design = draft(Brief("", "日本茶", "green tea", "tea"), 4, 0)
    canvas = lay_out(design, SIDE, SIDE)
    assert canvas.missing == "日本茶"
    assert drawn(design).tobytes() == drawn(design.model_copy(update={"layout": "mark"})).tobytes()


def test_initials_are_those_of_words() -> None:
    assert [initials(name) for name in ("O'Neil's Place", "Salt & Pepper", "x")] == ["OP", "SP", "X"]


def test_an_instruction_changes_what_it_names_and_nothing_else() -> None:
    refined = refine(DESIGN, "make it teal", 1)
    child, done = refined.design, refined.done
    changed = {name for name, value in child if value != getattr(DESIGN, name)}
    assert changed == {"palette", "history"}
    assert np.array_equal(ink(child), ink(DESIGN))
    assert done == ["palette " + " ".join(child.palette[:3])]
    assert child.palette[0] == "#008080"
    assert child.history == ("make it teal",)


@pytest.mark.parametrize(
    ("instruction", "field", "value"),
    [
        ("on a dark background", "background", "#14161c"),
        ("transparent background please", "background", "transparent"),
        ("change the background to navy", "background", "#000080"),
        ("horizontal layout", "layout", "horizontal"),
        ("icon only", "layout", "mark"),
        ("without the icon", "layout", "wordmark"),
        ("more elegant", "face", "serif"),
        ("rounder", "rounding", 0.16),
        ("a bigger icon", "mark_scale", 1.25),
        ("uppercase", "case", "upper"),
        ("remove the tagline", "tagline", ""),
        ('tagline "Since 1974"', "tagline", "Since 1974"),
        ("use a leaf", "mark", "leaf"),
        ("monochrome", "palette", (DESIGN.palette[3],) * 4),
    ],
)
def test_known_words(instruction: str, field: str, value: object) -> None:
    refined = refine(DESIGN, instruction, 1)
    assert getattr(refined.design, field) == value
    assert (len(refined.done), refined.ignored, refined.notes) == (1, [], [])


def test_the_seed_decides_a_different_icon() -> None:
    marks = {refine(DESIGN, "a different icon", seed).design.mark for seed in range(8)}
    assert DESIGN.mark not in marks
    assert len(marks) > 2
    assert refine(DESIGN, "a different icon", 3) == refine(DESIGN, "a different icon", 3)


BLACK, RED, GREEN, BLUE = "#17181b", "#b8433a", "#5f9468", "#4a78b5"


@pytest.mark.parametrize(
    ("instruction", "expected"),
    [
        ("only the text in red", {"ink": RED, "tagline_ink": RED}),
        ("make the name navy", {"ink": "#000080"}),
        ("change the color of the tagline to red", {"tagline_ink": RED}),
        ("the background should be light blue", {"background": "#add8e6"}),
        ("bigger mark", {"mark_scale": 1.25}),
        ("the icon is too big", {"mark_scale": 0.8}),
        ("make the text larger", {"text_scale": 1.25}),
        ("remove the tagline", {"tagline": ""}),
        ("thinner letters", {"weight": -1}),
        ("change the name to Blue Leaf & Co", {"name": "Blue Leaf & Co", "letters": "BL"}),
        ("the slogan should be “Be bold”", {"tagline": "Be bold"}),
        ("change the name to uppercase", {"case": "upper"}),
        ("no gradient", {"palette": (DESIGN.palette[0],) * 3 + (DESIGN.palette[3],)}),
        ("rounder corners", {"rounding": 0.16, "frame": "circle"}),
        ("rounder letters", {"face": "rounded"}),
        ("replace the cup with a leaf", {"mark": "leaf"}),
        ("remove the icon", {"layout": "wordmark"}),
        ("only the icon", {"layout": "mark"}),
        ("don't change the icon, text in black", {"ink": BLACK, "tagline_ink": BLACK}),
        ("not blue, a dark background", {"background": "#14161c"}),
    ],
)
def test_what_is_said_changes_and_nothing_else(instruction: str, expected: dict[str, object]) -> None:
    child = refine(DESIGN, instruction, 1).design
    changed = {name: value for name, value in child if value != getattr(DESIGN, name) and name != "history"}
    assert changed == expected


def test_every_part_gets_the_colour_that_is_said_of_it() -> None:
    child = refine(DESIGN, "icon in green and text in black, on a red background", 1).design
    assert (child.palette[0], child.ink, child.background) == (GREEN, BLACK, RED)
    assert child.palette[3] == DESIGN.palette[3]
    child = refine(DESIGN, "make it blue with white text", 1).design
    assert (child.palette[0], child.ink) == (BLUE, "#fafafa")
    fills = {
        fill.colour for fill in lay_out(child.model_copy(update={"background": BLACK}), SIDE, SIDE).fills
    }
    assert "#fafafa" in fills


def test_a_colour_for_all_takes_the_place_of_those_of_the_parts() -> None:
    once = refine(DESIGN, "text in red", 1).design
    again = refine(once, "make it blue", 1).design
    assert (once.ink, again.ink, again.tagline_ink) == (RED, None, None)


def test_letters_get_thinner_and_bolder_as_far_as_their_face_goes() -> None:
    modern = DESIGN.model_copy(update={"face": "modern", "layout": "wordmark"})
    thin = refine(modern, "thinner letters", 1).design
    assert ink(thin).sum() < 0.9 * ink(modern).sum()
    refined = refine(DESIGN, "bolder and blue", 1)
    assert refined.done[0].startswith("palette")
    assert refined.notes == ["the slab letters cannot be bolder"]


def test_what_is_not_understood_is_told() -> None:
    refined = refine(DESIGN, "add a dragon in teal, not pink", 1)
    assert (refined.design.palette[0], refined.ignored) == ("#008080", ["pink", "dragon"])


@pytest.mark.parametrize(
    ("instruction", "why"),
    [
        ("frobnicate", "nothing of this is understood"),
        ("make it less pink", "nothing of this is understood"),
        ("stacked layout", "so already"),
        ("use a cup", "so already"),
        ("bolder letters", "cannot be bolder"),
    ],
)
def test_what_changes_nothing_is_refused(instruction: str, why: str) -> None:
    with pytest.raises(ProviderError, match=why) as refused:
        refine(DESIGN, instruction, 1)
    assert refused.value.code == "provider_invalid_request"


def test_a_variation_is_drawn_where_one_is_asked_for() -> None:
    petals = DESIGN.model_copy(update={"mark": "petals"})
    child = refine(petals, "another variation", 1).design
    assert (child.mark, child.palette) == ("petals", DESIGN.palette)
    assert child.seed != petals.seed


@pytest.mark.parametrize("background", ["#ffffff", "#14161c", "#d9a62e", "#7f7f7f"])
def test_the_name_is_readable_on_any_background(background: str) -> None:
    canvas = lay_out(DESIGN.model_copy(update={"background": background}), SIDE, SIDE)
    assert contrast(canvas.ink, background) > 4.0


def test_the_svg_shows_what_the_png_shows() -> None:
    canvas = lay_out(DESIGN, SIDE, SIDE)
    root = ElementTree.fromstring(svg(canvas))
    paths = root.findall("{*}path")
    assert root.get("viewBox") == "0 0 160 160"
    assert root.findtext("{*}title") == "Morning Ember"
    assert not root.findall("{*}text")
    picture = np.full((SIDE * 4, SIDE * 4, 3), 255, np.uint8)
    for path in paths:
        rings = [
            np.array(re.findall(r"(-?[\d.]+) (-?[\d.]+)", ring), float) * 64
            for ring in str(path.get("d")).split("Z")[:-1]
        ]
        colour = tuple(webcolors.hex_to_rgb(str(path.get("fill"))))
        cv2.fillPoly(picture, [ring.round().astype(np.int32) for ring in rings], colour, shift=4)
    small = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(int)
    assert np.abs(small - drawn(DESIGN)[..., :3]).mean() < 1.5


@pytest.mark.parametrize("mark", ["leaf", "cup", "orbit"])
def test_a_wide_logo_stands_in_the_middle_with_room_around_it(mark: MarkName) -> None:
    columns = np.flatnonzero(ink(DESIGN.model_copy(update={"layout": "horizontal", "mark": mark})).any(0))
    left, right = int(columns[0]), SIDE - 1 - int(columns[-1])
    assert abs(left - right) <= 2
    assert min(left, right) >= 0.07 * SIDE


@pytest.mark.parametrize(("second", "seen"), [("#d4af37", True), ("#303090", False)])
def test_a_monogram_has_the_second_colour_where_it_can_be_read(second: str, seen: bool) -> None:
    change = {"mark": "monogram", "frame": "circle", "layout": "mark", "background": "#ffffff"}
    design = DESIGN.model_copy(update={**change, "palette": ("#000080", second, "#808080", "#101010")})
    fills = {fill.colour for fill in lay_out(design, SIDE, SIDE).fills}
    assert fills == ({"#000080", second} if seen else {"#000080", "#ffffff"})


def test_a_transparent_svg_cuts_through_what_lies_below() -> None:
    design = DESIGN.model_copy(update={"mark": "monogram", "frame": "circle", "background": "transparent"})
    root = ElementTree.fromstring(svg(lay_out(design, SIDE, SIDE)))
    assert len(root.findall("{*}mask")) == 2
    assert len(root.findall("{*}g/{*}g/{*}path")) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"name": "x" * 61},
        {"palette": ["red"] * 4},
        {"mark_scale": 1e9},
        {"mark": "dragon"},
        {"background": '#fff"/><script>'},
        {"seed": [-1, 0]},
        {"extra": 1},
    ],
)
def test_a_document_of_somebody_elses_is_checked(change: dict[str, object]) -> None:
    with pytest.raises(pydantic.ValidationError):
        Design.model_validate({**DESIGN.model_dump(), **change})
