"""The versioned bucket: small objects, compressed so that the same bytes in are the same bytes stored."""

from __future__ import annotations

import gzip
from dataclasses import dataclass

from botocore.exceptions import ClientError

from tidepool.aws.clients import Clients
from tidepool.aws.failures import calling, unchanged
from tidepool.errors import NotFound


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as it was read: its bytes, its version, its ETag and its metadata's `commit`."""

    data: bytes
    version: str
    etag: str
    commit: str = ""


class Bucket:
    """Objects of one bucket; errors as in tidepool.errors."""

    def __init__(self, clients: Clients, name: str) -> None:
        self._clients, self.name = clients, name

    @property
    def region(self) -> str:
        """Where the stack is whose bucket this is."""
        return self._clients.region

    def put(self, key: str, data: bytes, *, content_type: str) -> str:
        """Stored; the new version's id ('' in a bucket without versions)."""
        with calling("PutObject", key):
            reply = self._clients.get("s3").put_object(Bucket=self.name, Key=key, Body=data, ContentType=content_type)
        return str(reply.get("VersionId", ""))

    def get(self, key: str, *, version: str = "") -> Stored:
        """The object, or that version of it; NotFound when there is none."""
        asked = {"VersionId": version} if version else {}
        with calling("GetObject", key):
            reply = self._clients.get("s3").get_object(Bucket=self.name, Key=key, **asked)
            data = reply["Body"].read()
        commit = reply.get("Metadata", {}).get("commit", "")
        return Stored(data, str(reply.get("VersionId", "")), str(reply["ETag"]), str(commit))

    def get_if_changed(self, key: str, etag: str) -> Stored | None:
        """The object, or None when it is still the one with that ETag. NotFound when there is none."""
        if not etag:
            return self.get(key)
        try:
            reply = self._clients.get("s3").get_object(Bucket=self.name, Key=key, IfNoneMatch=etag)
        except ClientError as error:
            if unchanged(error):
                return None
            with calling("GetObject", key):
                raise
        commit = reply.get("Metadata", {}).get("commit", "")
        return Stored(reply["Body"].read(), str(reply.get("VersionId", "")), str(reply["ETag"]), str(commit))

    def version(self, key: str) -> str:
        """The newest version's id, or its ETag where there are no versions; '' when there is no object."""
        try:
            with calling("HeadObject", key):
                reply = self._clients.get("s3").head_object(Bucket=self.name, Key=key)
        except NotFound:
            return ""
        return str(reply.get("VersionId") or reply["ETag"])

    def put_json(self, key: str, data: bytes) -> str:
        """Canonical JSON is stored compressed; its version's id. mtime 0: the same JSON gives the same
        object.
        """
        return self.put(key, gzip.compress(data, mtime=0), content_type="application/gzip")

    def get_json(self, key: str, *, version: str = "") -> bytes:
        """The JSON that put_json stored."""
        return gzip.decompress(self.get(key, version=version).data)
