//! Tests of the directory, the servers' metadata and the app's documents.

use testbed::{LoginOptions, Network, Reply, keys};

use crate::client::{get, send};

#[test]
fn from_a_did_to_the_issuer() {
    let net = Network::start_blocking().unwrap();
    let record = net.login(LoginOptions::default());
    let did = record["tokenSet"]["sub"].as_str().unwrap();
    let document = get(&format!("{}/{did}", net.plc_url())).json();
    let pds = document["service"][0]["serviceEndpoint"].as_str().unwrap();
    let resource = get(&format!("{pds}/.well-known/oauth-protected-resource")).json();
    let issuer = resource["authorization_servers"][0].as_str().unwrap();
    let server = get(&format!("{issuer}/.well-known/oauth-authorization-server")).json();
    assert_eq!(server["issuer"], record["tokenSet"]["iss"]);
    assert_eq!(server["client_id_metadata_document_supported"], true);

    let other = net.add_pds().unwrap();
    net.set_pds_of(did, other);
    let document = get(&format!("{}/{did}", net.plc_url())).json();
    let moved = &document["service"][0]["serviceEndpoint"];
    assert_eq!(*moved, net.pds_url_of(other).as_str());
    net.remove_did_endpoint(did);
    let document = get(&format!("{}/{did}", net.plc_url())).json();
    assert_eq!(document["service"].as_array().unwrap().len(), 0);
    net.set_did_status(did, 410);
    assert_eq!(get(&format!("{}/{did}", net.plc_url())).status, 410);
    let unknown = format!("{}/{}", net.plc_url(), testbed::did());
    assert_eq!(get(&unknown).status, 404);
}

#[test]
fn did_web_and_handles() {
    let net = Network::start_blocking().unwrap();
    let did = net.web_did();
    net.set_pds_of(&did, 0);
    let document = get(&format!("{}/.well-known/did.json", net.web_url())).json();
    assert_eq!(document["id"], did.as_str());
    net.set_handle("alice.example", &did);
    let url = format!("{}/.well-known/atproto-did", net.web_url());
    let answer = send("GET", &url, &[("host", "alice.example")], "").unwrap();
    assert_eq!(answer.text, did);
    let query = "dns-query?name=_atproto.alice.example&type=TXT";
    let answer = get(&format!("{}/{query}", net.web_url()));
    assert_eq!(answer.header("content-type"), Some("application/dns-json"));
    let data = format!("\"did={did}\"");
    assert_eq!(answer.json()["Answer"][0]["data"], data.as_str());
}

#[test]
fn the_app_publishes_what_it_is_told_to() {
    let net = Network::start_blocking().unwrap();
    let metadata = get(&net.client_id()).json();
    assert_eq!(metadata["client_id"], net.client_id().as_str());
    let jwks = get(metadata["jwks_uri"].as_str().unwrap()).json();
    let key = net.signing_key().unwrap();
    assert_eq!(jwks["keys"][0], keys::public(&key));
    net.publish(testbed::JWKS_PATH, Reply::redirect("/elsewhere"));
    let url = format!("{}{}", net.app_url(), testbed::JWKS_PATH);
    assert_eq!(get(&url).status, 302);
    net.set_client_id("https://app.example.com/oauth-client-metadata.json");
    let jwks_uri = net.metadata()["jwks_uri"].clone();
    assert_eq!(jwks_uri, "https://app.example.com/.well-known/jwks.json");
}
