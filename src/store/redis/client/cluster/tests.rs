use proptest::prelude::*;
use testbed::redis::{Answer, Cluster as Nodes, Redis};

use super::*;
use crate::store::redis::client::address::Login;
use crate::store::redis::scan::{self, Search};
use crate::store::{Kind, Layout, Want};

#[test]
fn slots_on_their_way_are_seen() {
    let line = "id 127.0.0.1:1@2 myself,master - 0 0 1 connected 0-5460";
    assert!(!moves_slots(line));
    assert!(
        moves_slots(&format!("{line} [93->-other]"))
            && moves_slots(&format!("x y slave\n{line} [9-<-other]"))
    );
}

/// Stores sessions in the part of the keys that this node has. They are so large that a request is
/// for few of them, and some are not strings, so that a request for these needs two round trips.
fn fill(node: &Redis) -> usize {
    let script = "local count = 0
        for n = 1, 2400 do
            local key, set = 'atproto:oauth:sessions:did:plc:' .. n
            if n % 40 == 0 then
                set = redis.pcall('HSET', key, 'x', 'y')
            else
                set = redis.pcall('SET', key, ('x'):rep(16384))
            end
            if type(set) == 'number' or set.ok then count = count + 1 end
        end
        return count";
    let Answer::Number(count) = node.ask(&["EVAL", script, "0"]) else {
        panic!("the script counts")
    };
    usize::try_from(count).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_that_waits_for_its_consumer_holds_up_no_exchange() {
    let nodes = Nodes::start(false);
    let (node, stored) = (&nodes.nodes[1], fill(&nodes.nodes[1]));
    let endpoint = Endpoint::Tcp("127.0.0.1".to_owned(), node.port());
    let dialer = Dialer {
        has_ca: false,
        has_certificate: false,
        tls: None,
        login: Login::default(),
        database: 0,
    };
    let cluster = Arc::new(Cluster::new(&Arc::new(dialer), std::slice::from_ref(&endpoint)));
    let layout = Layout::built_in().iter().find(|layout| layout.name == "npmx").unwrap();
    let want = Want { values: true, ttls: false };
    let glob = "atproto:oauth:sessions:*".to_owned();
    let search = Search { layout: Arc::clone(layout), kind: Kind::Session, want, glob };
    let mut scan = scan::start(Arc::clone(&cluster) as _, "".into(), search);
    let link = cluster.main_link(&endpoint);
    let key = b"atproto:oauth:sessions:did:plc:1";
    let mut scanned = 0;
    while scanned < stored {
        // While somebody connects anew, the scan goes on by one batch, and waits again.
        let connecting = link.hold().await;
        let batch = timeout(Duration::from_millis(50), scan.next()).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        drop(connecting);
        let exchange = run_one(&*cluster, Command::new("EXISTS", key));
        let answer = timeout(Duration::from_secs(5), exchange).await;
        assert!(matches!(answer, Ok(Ok(_))), "the exchange waits for the scan: {answer:?}");
        if let Ok(records) = batch {
            scanned += records.unwrap().expect("there are more").len();
        }
    }
    assert!(scan.next().await.unwrap().is_none());
}

proptest! {
    #[test]
    fn a_redirection_leads_where_it_says(slot in 0..SLOTS, host in "[a-z]{1,8}|[0-9a-f:]{2,12}", port: u16, text in crate::arbitrary::text()) {
        for (line, leads) in [(format!("-ASK {slot} {host}:{port}"), true), (format!("-ASK {text}"), false), (format!("-{text}"), false)] {
            let line = line.replace(['\r', '\n'], " ") + "\r\n";
            let Ok(answer) = redis::parse_redis_value(line.as_bytes()) else { continue };
            match redirection(&answer) {
                Some(Redirection::Ask(endpoint)) if leads => prop_assert_eq!(endpoint, Endpoint::Tcp(host.clone(), port)),
                _ => prop_assert!(!leads),
            }
        }
    }
}
