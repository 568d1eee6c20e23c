//! Whom we believe: the public certificate authorities, those of this machine, and the operator's own.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::model::failure::{Failure, Kind, Result};

/// The TLS settings of a client; `ca_file` is a PEM file, or empty.
pub(crate) fn client_config(ca_file: &Path) -> Result<ClientConfig> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    // A machine without a store of its own is no reason to fail: the public authorities are built in.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if !ca_file.as_os_str().is_empty() {
        let unreadable = |e: Box<dyn std::error::Error + Send + Sync>| {
            Failure::new(Kind::Environment, format!("cannot read the certificates in {}", ca_file.display()))
                .hint("fetch.ca_file names a PEM file")
                .source(e)
        };
        for certificate in CertificateDer::pem_file_iter(ca_file).map_err(|e| unreadable(e.into()))? {
            let certificate = certificate.map_err(|e| unreadable(e.into()))?;
            roots.add(certificate).map_err(|e| unreadable(e.into()))?;
        }
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| Failure::new(Kind::Internal, "TLS cannot be set up").source(e))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
