//! `kill -9` at any moment.

use super::load::Load;
use super::{random, rounds};
use crate::postgres::Schema;
use crate::running::{Place, json};

#[test]
fn a_kill_9_under_write_load_loses_no_acknowledged_write() {
    let place = Place::new();
    let credentials = json(&place.done(&["init", "--json"]));
    let mut server = place.serve();
    let load = Load::prepare(&server, &credentials);
    let (mut all, mut count) = (Vec::new(), 0);
    for round in 0..rounds() {
        let acknowledged = load.run(&server, || server.strike());
        println!("round {round}: {}", acknowledged.describe());
        drop(server);
        server = place.serve();
        load.check(&server, &acknowledged);
        count += acknowledged.len();
        all.push(acknowledged);
    }
    // Later kills took nothing of the earlier rounds either.
    load.check_rows(&server, &all);
    println!("{} rounds, {count} acknowledged writes, none lost, nothing taken twice", rounds());
}

#[test]
fn a_kill_9_of_one_node_loses_no_acknowledged_write_for_the_others() {
    let Some(schema) = Schema::create("kill") else { return };
    let places = [schema.node("http://id.test"), schema.node("http://id.test")];
    let credentials = json(&places[0].done(&["init", "--json"]));
    let mut nodes = [places[0].serve(), places[1].serve()];
    let load = Load::prepare(&nodes[0], &credentials);
    let (mut all, mut count) = (Vec::new(), 0);
    for round in 0..rounds() {
        let victim = usize::from(random().is_multiple_of(2));
        let acknowledged = load.run(&nodes[victim], || nodes[victim].strike());
        println!("round {round}, node {victim}: {}", acknowledged.describe());
        // The other goes on as if nothing had happened, without waiting for anyone.
        load.check(&nodes[1 - victim], &acknowledged);
        nodes[victim] = places[victim].serve();
        count += acknowledged.len();
        all.push(acknowledged);
    }
    load.check_rows(&nodes[0], &all);
    println!("{} rounds, {count} acknowledged writes, none lost, nothing taken twice", rounds());
}
