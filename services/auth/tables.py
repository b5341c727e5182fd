"""The metadata that every table of the service is declared in."""

from libs.common.sql import metadata

tables = metadata()
