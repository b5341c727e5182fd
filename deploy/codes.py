"""`vitrine print`: codes to put on or beside a product, as SVG on standard output."""

from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Codes to print, as SVG.")

Side = Annotated[float, typer.Option(min=5, max=1000, help="side of the black square in millimetres")]


@app.command()
def marker(mm: Side = 50) -> None:
    """The ArUco marker that gives a photo its scale: lay it beside the product, and give its side to the analysis."""
    from libs.imaging import print_codes

    typer.echo(print_codes.marker(mm), nl=False)


@app.command()
def qr(text: str, mm: Side = 30) -> None:
    """A QR code."""
    from libs.imaging import print_codes

    typer.echo(print_codes.qr(text, mm), nl=False)


@app.command()
def ean13(digits: str) -> None:
    """An EAN-13 barcode in its nominal size."""
    from libs.imaging import print_codes

    try:
        typer.echo(print_codes.ean13(digits), nl=False)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
