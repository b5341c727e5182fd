"""What a slice's routes need of HTTP; `create_app` in `libs.common.http.app` puts them together."""

from libs.common.http.app import create_app
from libs.common.http.bodies import Json, Timestamp
from libs.common.http.etags import IfMatch
from libs.common.http.paging import Page, Paging, paging
from libs.common.http.routes import MEGABYTE, Accepted, Db, Objects, ServiceDep, Tx, policy, router

__all__ = [
    "MEGABYTE",
    "Accepted",
    "Db",
    "IfMatch",
    "Json",
    "Objects",
    "Page",
    "Paging",
    "ServiceDep",
    "Timestamp",
    "Tx",
    "create_app",
    "paging",
    "policy",
    "router",
]
