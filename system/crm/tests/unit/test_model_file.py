"""A model without words: the geometry stays, every text goes."""

from __future__ import annotations

import struct

from system.crm.domain.model_file import without_words

FACET = struct.pack("<12f", *range(12))
TEXT = (
    b"solid Kanarek's ring\n facet normal 0 0 1.0e-1\n  outer loop\n   vertex 0 0 0\n   vertex 1 0 0\n   vertex 0 1 0\n"
    b"  endloop\n endfacet\nendsolid Kanarek\n"
)


def binary(title: bytes, spare: bytes, facets: int = 2) -> bytes:
    return title.ljust(80, b"\0")[:80] + struct.pack("<I", facets) + (FACET + spare) * facets


def test_the_title_and_the_spare_bytes_of_a_binary_model_are_blanked() -> None:
    assert without_words(binary(b"by Kanarek", b"Ka")) == binary(b"model".ljust(80), b"\0\0")


def test_a_binary_title_that_says_solid_is_no_text_model() -> None:
    assert without_words(binary(b"solid Kanarek", b"\0\0")) == binary(b"model".ljust(80), b"\0\0")


def test_a_text_model_keeps_its_numbers_as_they_were_written() -> None:
    assert without_words(TEXT) == (
        b"solid model\nfacet normal 0 0 1.0e-1\nouter loop\nvertex 0 0 0\nvertex 1 0 0\nvertex 0 1 0\nendloop\nendfacet\n"
        b"endsolid model\n"
    )


def test_words_between_the_facets_of_a_text_model_go() -> None:
    blanked = without_words(TEXT.replace(b" endfacet\n", b" endfacet\n; made for Kanarek, Lenina 1\n"))
    assert blanked is not None and b"Kanarek" not in blanked and b"Lenina" not in blanked


def test_what_cannot_be_read_whole_is_no_model() -> None:
    for body in (b"", b"a photo", TEXT + b"facet normal Kanarek\nendfacet\n", binary(b"x", b"\0\0")[:-1]):
        assert without_words(body) is None


def test_blanking_twice_changes_nothing() -> None:
    for body in (TEXT, binary(b"Kanarek", b"Ka")):
        once = without_words(body)
        assert once is not None and without_words(once) == once
