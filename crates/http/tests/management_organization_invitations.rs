//! `/api/organization-invitations`, at the door.

mod receiver;

use receiver::{Receiver, deliver};
use serde_json::{Value, json};
use trinco_testkit::{Admin, Answer, Server, text};

const PATH: &str = "/api/organization-invitations";

fn code(answer: Answer, status: u16) -> String {
    text(&answer.expect(status).json(), "/code").to_owned()
}

/// A server with an organization and a role in it.
struct Invited {
    server: Server,
    admin: Admin,
    organization: String,
    role: String,
}

impl Invited {
    async fn start() -> Self {
        let server = Server::start().await;
        let admin = server.admin().await;
        let organization = admin.create("/api/organizations", json!({ "name": "Acme" })).await;
        let role = admin.create("/api/organization-roles", json!({ "name": "clerk" })).await;
        let (organization, role) = (text(&organization, "/id"), text(&role, "/id"));
        let (organization, role) = (organization.to_owned(), role.to_owned());
        Self { server, admin, organization, role }
    }

    /// The body that invites someone for an hour.
    fn body(&self, invitee: &str) -> Value {
        json!({
            "invitee": invitee, "organizationId": self.organization, "organizationRoleIds": [self.role],
            "expiresAt": self.server.clock().now() * 1000 + 3_600_000, "messagePayload": false,
        })
    }

    async fn invite(&self, invitee: &str) -> Value {
        self.admin.post(PATH, self.body(invitee)).await.expect(201).json()
    }

    async fn user(&self, name: &str, email: &str) -> String {
        let new = json!({ "username": name, "primaryEmail": email });
        text(&self.admin.create("/api/users", new).await, "/id").to_owned()
    }

    async fn end(&self, invitation: &Value, body: Value) -> Answer {
        self.admin.put(&format!("{PATH}/{}/status", text(invitation, "/id")), body).await
    }
}

#[tokio::test]
async fn whoever_accepts_becomes_a_member_with_the_roles_and_webhooks_hear_of_it() {
    let invited = Invited::start().await;
    let boss = invited.user("boss", "boss@acme.example").await;
    let ana = invited.user("ana", "Ana@Example.com").await;
    let mut body = invited.body("ana@example.com");
    body["inviterId"] = json!(boss);
    let invitation = invited.admin.post(PATH, body).await.expect(201).json();
    let id = text(&invitation, "/id");
    assert_eq!(
        invitation,
        json!({
            "tenantId": "default", "id": id, "inviterId": boss, "invitee": "ana@example.com", "acceptedUserId": null,
            "organizationId": invited.organization, "status": "Pending", "createdAt": invitation["createdAt"],
            "updatedAt": invitation["createdAt"], "expiresAt": invitation["expiresAt"],
            "organizationRoles": [{ "id": invited.role, "name": "clerk" }],
        })
    );
    let path = format!("{PATH}/{id}");
    assert_eq!(invited.admin.get(&path).await.expect(200).json(), invitation);

    let receiver = Receiver::start().await;
    receiver.hook(&invited.admin, &["Organization.Membership.Updated"]).await;
    let missing = invited.end(&invitation, json!({ "status": "Accepted" })).await;
    assert_eq!(code(missing, 422), "organization_invitation.accepted_user_missing");
    let other = json!({ "status": "Accepted", "acceptedUserId": boss });
    let refused = invited.end(&invitation, other).await;
    assert_eq!(code(refused, 422), "organization_invitation.other_email");
    assert_eq!(invited.admin.get(&path).await.expect(200).json()["status"], "Pending");
    let accept = json!({ "status": "Accepted", "acceptedUserId": ana });
    let accepted = invited.end(&invitation, accept.clone()).await.expect(200).json();
    assert_eq!(
        (&accepted["status"], &accepted["acceptedUserId"]),
        (&json!("Accepted"), &json!(ana))
    );
    let roles = format!("/api/organizations/{}/users/{ana}/roles", invited.organization);
    assert_eq!(invited.admin.get(&roles).await.expect(200).json()[0]["name"], "clerk");
    let again = invited.end(&invitation, accept).await;
    assert_eq!(code(again, 422), "organization_invitation.not_pending");

    assert_eq!(deliver(&invited.server).await, 1);
    let told = receiver.bodies();
    assert_eq!(told[0]["addedUserIds"], json!([ana]));
    assert_eq!(told[0]["matchedRoute"], "/organization-invitations/:id/status");
    // Members need no invitation.
    let member = invited.admin.post(PATH, invited.body("ANA@example.com")).await;
    assert_eq!(code(member, 422), "organization_invitation.already_member");
}

#[tokio::test]
async fn one_invitation_of_a_person_waits_until_it_has_ended() {
    let invited = Invited::start().await;
    let first = invited.invite("ana@example.com").await;
    let second = invited.admin.post(PATH, invited.body("Ana@Example.com")).await;
    assert_eq!(code(second, 422), "entity.unique_integrity_violation");
    let revoked = invited.end(&first, json!({ "status": "Revoked" })).await.expect(200).json();
    assert_eq!(revoked["status"], "Revoked");
    let again = invited.end(&first, json!({ "status": "Revoked" })).await;
    assert_eq!(code(again, 422), "organization_invitation.not_pending");
    let second = invited.invite("ana@example.com").await;

    // What has waited too long has expired, whether that was noted or not.
    invited.server.clock().advance(3600);
    let mut admin = invited.admin.clone();
    admin.renew().await;
    let path = format!("{PATH}/{}", text(&second, "/id"));
    assert_eq!(admin.get(&path).await.expect(200).json()["status"], "Expired");
    let ana = admin.create("/api/users", json!({ "primaryEmail": "ana@example.com" })).await;
    let accept = json!({ "status": "Accepted", "acceptedUserId": ana["id"] });
    let late = admin.put(&format!("{path}/status"), accept).await;
    assert_eq!(code(late, 422), "organization_invitation.not_pending");
    admin.post(PATH, invited.body("ana@example.com")).await.expect(201);
    let found = admin.get(&format!("{PATH}?invitee=ANA@example.com")).await.expect(200).json();
    let mut found: Vec<&str> =
        found.as_array().expect("a list").iter().map(|one| text(one, "/status")).collect();
    found.sort_unstable();
    assert_eq!(found, ["Expired", "Pending", "Revoked"]);
    let other = admin.get(&format!("{PATH}?organizationId=nobody")).await.expect(200).json();
    assert_eq!(other, json!([]));
    admin.delete(&path).await.expect(204);
    admin.get(&path).await.expect(404);
    admin.delete(&path).await.expect(404);
    let gone = admin.put(&format!("{path}/status"), json!({ "status": "Revoked" })).await;
    assert_eq!(code(gone, 404), "entity.not_exists_with_id");
}

#[tokio::test]
async fn an_invitation_that_cannot_be_is_refused_by_its_name() {
    let invited = Invited::start().await;
    let refused = async |member: &str, value: Value| {
        let mut body = invited.body("ana@example.com");
        body[member] = value;
        invited.admin.post(PATH, body).await
    };
    for (member, value) in [
        ("invitee", json!("ana")),
        ("expiresAt", json!(invited.server.clock().now() * 1000)),
        ("messagePayload", json!(true)),
        ("organizationRoleIds", json!("clerk")),
    ] {
        let answer = refused(member, value).await.expect(400).json();
        assert_eq!(text(&answer, "/data/issues/0/path/0"), member);
    }
    for (member, value) in [
        ("organizationId", json!("nobody")),
        ("inviterId", json!("nobody")),
        ("organizationRoleIds", json!(["nobody"])),
    ] {
        let answer = refused(member, value).await;
        assert_eq!(code(answer, 422), "entity.relation_foreign_key_not_found", "{member}");
    }
    // Nobody has set up a way to send e-mail.
    let answer = refused("messagePayload", json!({ "link": "https://acme.example/join" })).await;
    assert_eq!(code(answer, 501), "connector.not_found");
    assert_eq!(invited.admin.get(PATH).await.expect(200).json(), json!([]));
    let waiting = invited.invite("bia@example.com").await;
    let path = format!("{PATH}/{}/message", text(&waiting, "/id"));
    assert_eq!(code(invited.admin.post(&path, json!({})).await, 501), "connector.not_found");
    let nobody = format!("{PATH}/nobody/message");
    invited.admin.post(&nobody, json!({})).await.expect(404);
}
