"""A certificate authority of the tests' own, and what it vouches for."""

import ssl
from pathlib import Path

import trustme


class Authority:
    """Issues certificates for loopback; made once, since keys take their time."""

    def __init__(self) -> None:
        self._root = trustme.CA()
        self._server = self._root.issue_cert("127.0.0.1", "localhost")

    def server(self, *, wants_client: bool = False) -> ssl.SSLContext:
        """For a server on loopback; one that refuses clients without a certificate, perhaps."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._server.configure_cert(context)
        if wants_client:
            self._root.configure_trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def ca_file(self, folder: Path) -> Path:
        """The root's certificate, which a client is told to trust: `ca.crt`."""
        path = folder / "ca.crt"
        self._root.cert_pem.write_to_path(str(path))
        return path

    def server_files(self, folder: Path) -> tuple[Path, Path]:
        """The certificate and the key of `server`, for servers that read files."""
        return _written(self._server, folder, "server")

    def client_files(self, folder: Path) -> tuple[Path, Path]:
        """A certificate and a key with which a client says who it is: `client.cert`, `.key`."""
        return _written(self._root.issue_cert("client@example.com"), folder, "client")


def _written(leaf: trustme.LeafCert, folder: Path, name: str) -> tuple[Path, Path]:
    certificate, key = folder / f"{name}.cert", folder / f"{name}.key"
    certificate.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    leaf.private_key_pem.write_to_path(str(key))
    return certificate, key
