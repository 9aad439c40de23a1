"""Certificates of the moment, for applications that sign assertions with them: key and certificate in the forms that an
operator may have them in."""

import datetime
import hashlib
import os
import pathlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat, pkcs12
from cryptography.x509.oid import NameOID


class Certificate:
    """A self-signed certificate with its RSA key."""

    def __init__(self, name, days=30):
        self.name = name
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
        self.expires = now + datetime.timedelta(days=days)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject)
        builder = builder.public_key(self.key.public_key()).serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - datetime.timedelta(minutes=5)).not_valid_after(self.expires)
        self.certificate = builder.sign(self.key, hashes.SHA256())
        self.thumbprint = hashlib.sha256(self.certificate.public_bytes(Encoding.DER)).digest()

    def pem(self):
        return self.certificate.public_bytes(Encoding.PEM).decode()

    def key_pem(self, form=PrivateFormat.PKCS8):
        return self.key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()

    def public_pem(self):
        return self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def pkcs12(self, password):
        lock = serialization.BestAvailableEncryption(password.encode())
        return pkcs12.serialize_key_and_certificates(self.name.encode(), self.key, self.certificate, None, lock)

    def write(self, path):
        """Certificate and key in one file, which is there as a whole or not at all."""
        path = pathlib.Path(path)
        draft = path.with_suffix(".draft")
        draft.write_text(self.pem() + self.key_pem())
        os.replace(draft, path)
