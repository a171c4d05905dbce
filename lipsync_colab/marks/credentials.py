"""Content Credentials (C2PA): a manifest, signed with the user's own certificate, that says the video is generated.

The library is ``c2pa-python``; nothing is sent anywhere, neither for a time stamp nor to look up a certificate.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lipsync_colab.errors import InputError, MachineError
from lipsync_colab.version import __version__

MIME = {".mp4": "video/mp4", ".mov": "video/quicktime"}
"""The containers of ours that C2PA defines a place for."""
RECORD = "org.lipsync-colab.record"
"""The assertion that holds our own record."""
GENERATED = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
"""IPTC's source type: a picture that a person brought, with what a program made of it."""
BOX = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
"""The identifier of C2PA's box in ISO media files (C2PA specification, "Embedding manifests into BMFF")."""
_OFFLINE = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}}
_CURVES = {256: "es256", 384: "es384", 521: "es512"}


@dataclass(frozen=True)
class Credentials:
    """What a video is signed with.

    Attributes:
        certificate: a PEM file with the signer's certificate first and those that vouch for it after it.
        key: a PEM file with the signer's private key, PKCS #8, without a password.
    """

    certificate: Path
    key: Path


@dataclass(frozen=True)
class Found:
    """The credentials that a file carries.

    Attributes:
        intact: whether the signature is right and the file is what was signed.
        signer: as the certificate names it; not vouched for by anybody unless ``trusted``.
        trusted: whether the library's list of trusted authorities vouches for the signer.
        record: our record, as it was signed; empty when there is none of ours.
        faults: codes of what is wrong.
    """

    intact: bool
    signer: str
    trusted: bool
    record: dict[str, Any]
    faults: tuple[str, ...] = ()


def available() -> bool:
    """Whether ``c2pa-python`` is installed."""
    import importlib.util

    return importlib.util.find_spec("c2pa") is not None


def carries(video: Path) -> bool:
    """Whether an mp4 or mov has a C2PA box at its top level; found without the library."""
    with video.open("rb") as file:
        size = file.seek(0, 2)
        place = 0
        while place + 24 <= size:
            file.seek(place)
            head = file.read(24)
            length = int.from_bytes(head[:4], "big")
            if length == 1:  # a 64-bit length follows
                length = int.from_bytes(head[8:16], "big")
            if head[4:8] == b"uuid" and head[8:24] == BOX:
                return True
            if length < 8:
                return False
            place += length
    return False


def _library() -> Any:
    try:
        import c2pa
    except (ImportError, OSError) as error:
        raise MachineError(
            f"Content Credentials need c2pa-python: pip install 'lipsync-colab[c2pa]' ({error})"
        ) from error
    return c2pa


def check(credentials: Credentials, video: Path) -> None:
    """Refuse, before any work, what could not be signed.

    Raises:
        InputError: the files cannot be read, do not belong together, or the container has no place for a manifest.
        MachineError: the library is not installed.
    """
    _mime(video)
    _signer(_library(), credentials).close()


def sign(video: Path, credentials: Credentials, record: dict[str, Any]) -> None:
    """Put a signed manifest into a video, published by rename: a failure leaves the video as it was.

    Args:
        video: mp4 or mov.
        credentials: the user's.
        record: of its making; it is signed with the picture and the sound.

    Raises:
        InputError: as of :func:`check`.
        MachineError: the library is not installed.
    """
    c2pa = _library()
    part = video.with_name(video.name + ".part")
    signer = _signer(c2pa, credentials)
    try:
        with (
            c2pa.Context.from_dict(_OFFLINE) as context,
            c2pa.Builder(manifest(record), context) as builder,
            video.open("rb") as source,
            part.open("w+b") as target,
        ):
            builder.sign(signer, _mime(video), source, target)
        part.replace(video)
    except c2pa.C2paError as error:
        raise InputError(f"'{video.name}' could not be signed: {error}; check certificate and key") from error
    finally:
        signer.close()
        part.unlink(missing_ok=True)


def manifest(record: dict[str, Any]) -> dict[str, Any]:
    """Return what is signed: that a program made it, which one, and the record."""
    created = {"action": "c2pa.created", "digitalSourceType": GENERATED}
    return {
        "claim_generator_info": [{"name": "lipsync-colab", "version": __version__}],
        "title": "Generated talking portrait",
        "assertions": [
            {"label": "c2pa.actions", "data": {"actions": [created]}},
            {"label": RECORD, "data": record},
        ],
    }


def read(video: Path) -> Found | None:
    """Return the credentials that a video carries, whoever signed it; None when it carries none.

    Raises:
        MachineError: the library is not installed.
    """
    c2pa = _library()
    if video.suffix.lower() not in MIME:
        return None
    try:
        with (
            c2pa.Context.from_dict(_OFFLINE) as context,
            video.open("rb") as stream,
            c2pa.Reader(_mime(video), stream, context=context) as reader,
        ):
            return _found(reader)
    except c2pa.C2paError.ManifestNotFound:
        return None
    except c2pa.C2paError as error:
        return Found(False, "", False, {}, (str(error),))


def _found(reader: Any) -> Found:
    state = reader.get_validation_state()
    active = reader.get_active_manifest() or {}
    results = (reader.get_validation_results() or {}).get("activeManifest", {})
    faults = tuple(
        sorted({row.get("code", "") for row in results.get("failure", [])} - {"signingCredential.untrusted"})
    )
    records = [row["data"] for row in active.get("assertions", []) if row.get("label") == RECORD]
    signature = active.get("signature_info") or {}
    signer = ", ".join(str(signature[name]) for name in ("common_name", "issuer") if signature.get(name))
    return Found(state in ("Valid", "Trusted"), signer, state == "Trusted", records[0] if records else {}, faults)


def _mime(video: Path) -> str:
    mime = MIME.get(video.suffix.lower())
    if mime is None:
        raise InputError(f"'{video.name}': Content Credentials go into mp4 and mov only; name the output .mp4")
    return mime


def _signer(c2pa: Any, credentials: Credentials) -> Any:
    chain, key = (_pem(path) for path in (credentials.certificate, credentials.key))
    try:
        _belongs(chain, key)
        return c2pa.Signer.from_info(c2pa.C2paSignerInfo(algorithm(chain), chain, key, None))
    except InputError:
        raise
    except (c2pa.C2paError, ValueError, TypeError) as error:
        raise InputError(
            f"'{credentials.certificate.name}' and '{credentials.key.name}' cannot sign ({error}); give a PEM chain "
            "with the signer's certificate first, and its PKCS #8 key without a password"
        ) from error


def _pem(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"'{path}' cannot be read ({error.strerror}); give the path of a PEM file") from error


def _belongs(chain: bytes, key: bytes) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization

    public = x509.load_pem_x509_certificates(chain)[0].public_key()
    if serialization.load_pem_private_key(key, None).public_key() != public:
        raise InputError("the key is not the one of the first certificate; give --c2pa-key the key that belongs to it")


def algorithm(chain: bytes) -> str:
    """Return C2PA's name of the signature algorithm for a PEM chain's first certificate.

    Raises:
        ValueError: C2PA has none for its kind of key.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    public = x509.load_pem_x509_certificates(chain)[0].public_key()
    if isinstance(public, ec.EllipticCurvePublicKey) and public.curve.key_size in _CURVES:
        return _CURVES[public.curve.key_size]
    if isinstance(public, rsa.RSAPublicKey):
        return "ps256"
    if isinstance(public, ed25519.Ed25519PublicKey):
        return "ed25519"
    raise ValueError("C2PA knows P-256, P-384, P-521, RSA and Ed25519 keys only")
