"""Object storage by boto3, in threads. Only this service holds its credentials."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from operator import itemgetter
from typing import Any, TypeVar
from urllib.parse import quote

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from system.files.application.ports import PostForm, StoredObject, StoredPart
from system.files.domain.errors import NotUploadedYet, UploadChanged
from system.kernel.errors import Unavailable
from system.plumbing.telemetry import SpanKind, log, said_by, span

CHUNK_BYTES = 256 * 1024
FORM_CONTENT_TYPE = "application/octet-stream"
"""Part of the signed policy: whatever is uploaded is never shown by a browser as a page."""

PARTS_GONE = frozenset({"NoSuchUpload", "InvalidPart", "InvalidPartOrder"})

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StorageAddress:
    """Where the storage is: for us inside, for browsers outside, and with which key. Signing needs no connection."""

    endpoint: str
    public_url: str
    bucket: str
    access_key: str
    secret_key: str


class S3Storage:
    """Any S3 with presigned POST policies, multipart uploads and conditional copies; tried with SeaweedFS."""

    def __init__(self, address: StorageAddress, *, at_once: int) -> None:
        self._bucket = address.bucket
        self._inside = _client(address, address.endpoint, connections=at_once)
        self._outside = _client(address, address.public_url, connections=1)
        # A pool of its own: long reads must not take the threads that the rest of the process needs.
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="s3")

    def post_form(self, key: str, *, bytes_max: int, expires_s: int) -> PostForm:
        """The signed form; the policy names the key exactly and limits the size, and the storage enforces it."""
        form = self._outside.generate_presigned_post(
            self._bucket,
            key,
            Fields={"Content-Type": FORM_CONTENT_TYPE},
            Conditions=[["content-length-range", 1, bytes_max], {"Content-Type": FORM_CONTENT_TYPE}],
            ExpiresIn=expires_s,
        )
        return PostForm(url=form["url"], fields=form["fields"])

    async def begin_parts(self, key: str) -> str:
        """Begins a multipart upload; whatever it becomes is never shown by a browser as a page."""
        begun = await self._run(
            self._inside.create_multipart_upload, Bucket=self._bucket, Key=key, ContentType=FORM_CONTENT_TYPE
        )
        return str(begun["UploadId"])

    def part_url(self, key: str, multipart_id: str, *, number: int, size_bytes: int, expires_s: int) -> str:
        """A signed PUT for the outside. The length is signed too, and the storage takes no other."""
        wanted = {
            "Bucket": self._bucket,
            "Key": key,
            "UploadId": multipart_id,
            "PartNumber": number,
            "ContentLength": size_bytes,
        }
        url: str = self._outside.generate_presigned_url("upload_part", Params=wanted, ExpiresIn=expires_s)
        return url

    async def parts(self, key: str, multipart_id: str) -> list[StoredPart]:
        """What has arrived, by number."""

        def listed() -> list[StoredPart]:
            pages = self._inside.get_paginator("list_parts").paginate(
                Bucket=self._bucket, Key=key, UploadId=multipart_id
            )
            found = [part for page in pages for part in page.get("Parts", ())]
            latest = {part["PartNumber"]: part for part in sorted(found, key=itemgetter("LastModified"))}
            return [StoredPart(number, latest[number]["Size"], latest[number]["ETag"]) for number in sorted(latest)]

        return await self._run(listed)

    async def assemble(self, key: str, multipart_id: str, parts: Sequence[StoredPart]) -> None:
        """Completes a multipart upload with exactly these parts."""
        named = [{"PartNumber": part.number, "ETag": part.etag} for part in parts]
        await self._run(
            self._inside.complete_multipart_upload,
            Bucket=self._bucket,
            Key=key,
            UploadId=multipart_id,
            MultipartUpload={"Parts": named},
        )

    async def drop_parts(self, key: str, multipart_id: str) -> None:
        """Aborts a multipart upload."""
        with suppress(NotUploadedYet):
            await self._run(self._inside.abort_multipart_upload, Bucket=self._bucket, Key=key, UploadId=multipart_id)

    def download_url(self, key: str, *, expires_s: int) -> str:
        """A signed GET for the inside."""
        return self._signed(self._inside, key, expires_s)

    def browser_url(self, key: str, *, filename: str, expires_s: int) -> str:
        """A signed GET for the outside. Part of what is signed: it is a download, and never shown as a page."""
        disposition = f"attachment; filename*=UTF-8''{quote(filename, safe='')}"
        return self._signed(self._outside, key, expires_s, ResponseContentDisposition=disposition)

    def _signed(self, client: Any, key: str, expires_s: int, **more: str) -> str:
        wanted = {"Bucket": self._bucket, "Key": key, **more}
        url: str = client.generate_presigned_url("get_object", Params=wanted, ExpiresIn=expires_s)
        return url

    async def find(self, key: str) -> StoredObject | None:
        """What lies at this key now, if anything."""
        try:
            found = await self._run(self._inside.head_object, Bucket=self._bucket, Key=key)
        except NotUploadedYet:
            return None
        return StoredObject(key=key, size_bytes=found["ContentLength"], etag=found["ETag"])

    async def read(self, stored: StoredObject, feed: Callable[[bytes], None]) -> None:
        """Gives the whole content to `feed`, in order, in one thread of the pool."""

        def stream() -> None:
            found = self._inside.get_object(Bucket=self._bucket, Key=stored.key, IfMatch=stored.etag)
            with closing(found["Body"]) as body:
                for chunk in body.iter_chunks(CHUNK_BYTES):
                    feed(chunk)

        await self._run(stream)

    async def content(self, key: str) -> bytes:
        """All that lies at this key, which is known to be little. Raises NotUploadedYet if nothing does."""

        def read() -> bytes:
            with closing(self._inside.get_object(Bucket=self._bucket, Key=key)["Body"]) as body:
                whole: bytes = body.read()
                return whole

        return await self._run(read)

    async def write(self, key: str, content: bytes, *, content_type: str) -> None:
        """Puts this content at this key, in the place of what lay there."""
        await self._run(self._inside.put_object, Bucket=self._bucket, Key=key, Body=content, ContentType=content_type)

    async def copy(self, stored: StoredObject, *, to: str) -> None:
        """Copies exactly this content inside the storage."""
        await self._run(
            self._inside.copy_object,
            Bucket=self._bucket,
            Key=to,
            CopySource={"Bucket": self._bucket, "Key": stored.key},
            CopySourceIfMatch=stored.etag,
        )

    async def delete(self, key: str) -> None:
        """Empties the key."""
        await self._run(self._inside.delete_object, Bucket=self._bucket, Key=key)

    def close(self) -> None:
        """Gives the threads and connections back."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._inside.close()
        self._outside.close()

    async def _run(self, call: Callable[..., T], **arguments: Any) -> T:
        loop = asyncio.get_running_loop()
        operation = getattr(call, "__name__", "call")
        try:
            # Neither keys nor addresses: a signed address is as good as the file.
            with span(f"S3 {operation}", kind=SpanKind.CLIENT, rpc__system="aws-api", rpc__method=operation):
                return await loop.run_in_executor(self._threads, partial(call, **arguments))
        except ClientError as error:
            raise _refusal_of(error) from error
        except BotoCoreError as error:
            log.warning("storage does not answer", error=said_by(error))
            raise _unavailable() from error


def _client(address: StorageAddress, url: str, *, connections: int) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=url,
        aws_access_key_id=address.access_key,
        aws_secret_access_key=address.secret_key,
        # S3 wants a region in every signature; ours has only one place.
        region_name="us-east-1",
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            connect_timeout=2,
            read_timeout=10,
            retries={"mode": "standard", "total_max_attempts": 2},
            max_pool_connections=connections,
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


def _refusal_of(error: ClientError) -> Exception:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
    if error.response["Error"]["Code"] in PARTS_GONE:
        return NotUploadedYet()
    if status == HTTPStatus.NOT_FOUND and error.response["Error"]["Code"] != "NoSuchBucket":
        return NotUploadedYet()
    if status == HTTPStatus.PRECONDITION_FAILED:
        return UploadChanged()
    log.error("storage refused", status=status, refusal=error.response["Error"]["Code"])
    return _unavailable()


def _unavailable() -> Unavailable:
    return Unavailable("storage-unavailable", "The storage of models does not answer just now: try again in a moment.")
