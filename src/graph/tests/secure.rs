//! TLS: whom the gateway trusts, and which HTTP it speaks.

use std::sync::Arc;

use crate::calendar::Capability::FreeBusy;
use crate::failure::Failure;
use crate::graph::stub::{Stub, credential, journal, permitted, wednesday};
use crate::graph::{Detail, Settings};
use crate::metrics::Metrics;

#[tokio::test]
async fn http_2_over_tls_with_an_extra_authority() {
    let (stub, ca) = Stub::start_secure().await;
    let (asked, other) = (permitted(&["a@example.com"]), rcgen::generate_simple_self_signed(vec!["x".into()]).unwrap());
    for (trusted, works) in [(ca, true), (other.cert.pem(), false)] {
        let metrics = Arc::new(Metrics::new());
        let graphs = stub.graphs_trusting(Some(&trusted), vec![credential(&[FreeBusy])], Settings::default(), metrics);
        let answer = graphs.free_busy(&asked, wednesday(), Detail::Times, &journal()).await.remove(0);
        match works {
            true => assert_eq!(answer.unwrap().items().count(), 1),
            false => assert_eq!(answer.unwrap_err(), Failure::Unavailable),
        }
    }
    let calls = stub.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].version, http::Version::HTTP_2);
    assert_eq!(calls[0].headers["accept-encoding"], "gzip");
}
