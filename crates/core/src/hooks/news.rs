//! Telling webhooks of an event, in the transaction of what happens.

use futures_util::future::BoxFuture;
use serde::Serialize;
use serde_json::Value;
use trinco_db::Tx;

use super::event::Event;
use crate::deliveries::{self, Delivery, Kind};
use crate::users::User;
use crate::{Bumped, Call, JsonObject, Result, Section, Snapshot, Tenant, calendar};

/// What is told of a user.
const OF_USER: [&str; 15] = [
    "id",
    "username",
    "primaryEmail",
    "primaryPhone",
    "name",
    "avatar",
    "customData",
    "identities",
    "lastSignInAt",
    "createdAt",
    "updatedAt",
    "profile",
    "applicationId",
    "cimdClientId",
    "isSuspended",
];
/// So many ids of members one event lists, of each kind.
const MOST_IDS: usize = 5000;

/// An event, and the webhooks that want to be told of it. Made before the transaction it is told in; where nobody wants to be told, every
/// step of it does nothing.
#[derive(Clone, Debug)]
pub(crate) struct News {
    event: Event,
    /// The webhooks, each with the id of its delivery.
    to: Vec<(String, String)>,
    facts: JsonObject,
    rank: i64,
}

impl News {
    /// That `event` happens now, on the occasion the tenant is called on.
    pub(crate) fn of(tenant: &Tenant, event: Event) -> Self {
        let listeners = &tenant.snapshot().hooks;
        let to: Vec<_> =
            listeners.of(event).iter().map(|hook| (hook.clone(), tenant.new_id())).collect();
        let now = tenant.now_ms();
        let news = Self { event, to, facts: JsonObject::new(), rank: now };
        if !news.is_wanted() {
            return news;
        }
        let occasion = tenant.occasion();
        let ip = if event.is_of_interaction() { "userIp" } else { "ip" };
        let news = news
            .fact("event", event.name())
            .fact("createdAt", calendar::iso8601(now))
            .fact_if("userAgent", occasion.user_agent.as_ref())
            .fact_if(ip, occasion.ip.as_ref());
        match &occasion.call {
            Some(call) if !event.is_of_interaction() => news.merged(call),
            _ => news,
        }
    }

    /// Whether any webhook wants to be told.
    pub(crate) fn is_wanted(&self) -> bool {
        !self.to.is_empty()
    }

    /// A fact of it.
    #[must_use]
    pub(crate) fn fact(mut self, name: &str, value: impl Serialize) -> Self {
        if self.is_wanted()
            && let Ok(value) = serde_json::to_value(value)
        {
            self.facts.insert(name.to_owned(), value);
        }
        self
    }

    /// A fact of it, if it is known.
    #[must_use]
    pub(crate) fn fact_if(self, name: &str, value: Option<impl Serialize>) -> Self {
        match value {
            Some(value) => self.fact(name, value),
            None => self,
        }
    }

    /// The client it came through: its id and, if it is registered here, what it is.
    #[must_use]
    pub(crate) fn application(self, snapshot: &Snapshot, id: &str) -> Self {
        #[derive(Serialize)]
        struct Application<'a> {
            id: &'a str,
            #[serde(rename = "type")]
            application_type: trinco_oauth::ApplicationType,
            name: &'a str,
            description: Option<&'a str>,
        }
        if !self.is_wanted() {
            return self;
        }
        let Some(registered) = snapshot.applications.get(id) else {
            return self.fact("cimdClientId", id);
        };
        let application = &registered.application;
        self.fact("applicationId", id).fact(
            "application",
            Application {
                id,
                application_type: application.application_type,
                name: &application.name,
                description: application.description.as_deref(),
            },
        )
    }

    /// The user it is about, as the fact `name`.
    #[must_use]
    pub(crate) fn user(self, name: &str, user: &User) -> Self {
        if !self.is_wanted() {
            return self;
        }
        match serde_json::to_value(user) {
            Ok(value) => self.fact(name, told_of_user(value)),
            Err(_) => self,
        }
    }

    /// Tells the webhooks, in the transaction of what happens.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn tell(&self, tx: &mut Tx<'_>) -> Result<()> {
        for (hook_id, id) in &self.to {
            let mut body = self.facts.clone();
            body.insert("hookId".to_owned(), hook_id.as_str().into());
            let content = Value::Object(body).to_string();
            let delivery = Delivery::new(Kind::Hook, hook_id, id, content);
            deliveries::queue(tx, &delivery, self.rank).await?;
        }
        Ok(())
    }

    /// With the members of an object as facts.
    #[must_use]
    pub(crate) fn merged(mut self, object: &impl Serialize) -> Self {
        if self.is_wanted()
            && let Ok(Value::Object(members)) = serde_json::to_value(object)
        {
            self.facts.extend(members);
        }
        self
    }

    /// With what the use case came to as its data, unless it has been said what it is about. Nothing is no data.
    fn about_result(&self, result: &impl Serialize) -> Self {
        let news = self.clone();
        if !news.is_wanted() || news.facts.contains_key("data") {
            return news;
        }
        match serde_json::to_value(result) {
            Ok(Value::Null) | Err(_) => news,
            Ok(_) if self.event == Event::OrganizationMembershipUpdated => news.merged(result),
            Ok(user) if self.event.is_of_user() => news.fact("data", told_of_user(user)),
            Ok(value) => news.fact("data", value),
        }
    }
}

fn told_of_user(mut user: Value) -> Value {
    if let Value::Object(members) = &mut user {
        members.retain(|name, _| OF_USER.contains(&name.as_str()));
    }
    user
}

/// Who has become a member of an organization, and who is none any more.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Membership {
    pub(crate) organization_id: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) added_user_ids: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) removed_user_ids: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) added_application_ids: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) removed_application_ids: Vec<String>,
}

impl Membership {
    /// Of users: those who came and those who went.
    pub(crate) fn of_users(organization_id: &str, added: &[String], removed: &[String]) -> Self {
        let (added_user_ids, removed_user_ids) = (some(added), some(removed));
        let organization_id = organization_id.to_owned();
        Self { organization_id, added_user_ids, removed_user_ids, ..Self::default() }
    }

    /// Of applications: those that came and those that went.
    pub(crate) fn of_applications(
        organization_id: &str,
        added: &[String],
        removed: &[String],
    ) -> Self {
        let (added_application_ids, removed_application_ids) = (some(added), some(removed));
        let organization_id = organization_id.to_owned();
        Self { organization_id, added_application_ids, removed_application_ids, ..Self::default() }
    }
}

impl Membership {
    /// Whether nobody came and nobody went.
    pub(crate) fn is_empty(&self) -> bool {
        let lists = [
            &self.added_user_ids,
            &self.removed_user_ids,
            &self.added_application_ids,
            &self.removed_application_ids,
        ];
        lists.into_iter().all(Vec::is_empty)
    }

    /// Of users, with what became of applications.
    #[must_use]
    pub(crate) fn and(self, of_applications: Self) -> Self {
        Self {
            added_user_ids: self.added_user_ids,
            removed_user_ids: self.removed_user_ids,
            ..of_applications
        }
    }
}

fn some(ids: &[String]) -> Vec<String> {
    ids.iter().take(MOST_IDS).cloned().collect()
}

/// A tenant whose next transaction tells of `event`.
pub(crate) fn telling(tenant: &Tenant, event: Event) -> Telling<'_> {
    Telling { tenant, news: vec![News::of(tenant, event)] }
}

/// As the [`Tenant`] it is made of: what its transaction answers is the data of the event, unless it was said what it is about.
pub(crate) struct Telling<'a> {
    tenant: &'a Tenant,
    news: Vec<News>,
}

impl Telling<'_> {
    /// The data of the event.
    #[must_use]
    pub(crate) fn about(self, data: &impl Serialize) -> Self {
        let news = self.news.into_iter().map(|news| news.fact("data", data)).collect();
        Self { news, ..self }
    }

    /// The new user that is the data of the event, and the application where someone has signed up as it.
    #[must_use]
    pub(crate) fn about_new_user(self, user: &User) -> Self {
        let snapshot = self.tenant.snapshot();
        let about = |news: News| {
            let news = news.user("data", user);
            match &user.application_id {
                Some(id) => news.fact("interactionEvent", "Register").application(&snapshot, id),
                None => news,
            }
        };
        Self { news: self.news.into_iter().map(about).collect(), ..self }
    }

    /// A further event.
    #[must_use]
    pub(crate) fn and(mut self, news: News) -> Self {
        self.news.push(news);
        self
    }

    /// As [`Tenant::write`].
    ///
    /// # Errors
    /// As [`Tenant::write`].
    pub(crate) async fn write<I, T, F>(self, input: I, run: F) -> Result<T>
    where
        F: for<'t> Fn(&'t mut Tx<'_>, &'t I) -> BoxFuture<'t, Result<T>> + Send + Sync + 'static,
        I: Send + Sync + 'static,
        T: Serialize + Send + 'static,
    {
        let input = (input, run, self.news);
        self.tenant
            .write(input, |tx, (input, run, news)| {
                Box::pin(async move {
                    let result = run(tx, input).await?;
                    let told: Vec<News> =
                        news.iter().map(|one| one.about_result(&result)).collect();
                    for news in told {
                        news.tell(tx).await?;
                    }
                    Ok(result)
                })
            })
            .await
    }

    /// As [`Tenant::configure`].
    ///
    /// # Errors
    /// As [`Tenant::configure`].
    pub(crate) async fn configure<I, T, F>(
        self,
        sections: &'static [Section],
        input: I,
        run: F,
    ) -> Result<T>
    where
        F: for<'t> Fn(&'t mut Tx<'_>, &'t Bumped, &'t I) -> BoxFuture<'t, Result<T>>
            + Send
            + Sync
            + 'static,
        I: Send + Sync + 'static,
        T: Serialize + Send + 'static,
    {
        let input = (input, run, self.news);
        self.tenant
            .configure(sections, input, |tx, bumped, (input, run, news)| {
                Box::pin(async move {
                    let result = run(tx, bumped, input).await?;
                    let told: Vec<News> =
                        news.iter().map(|one| one.about_result(&result)).collect();
                    for news in told {
                        news.tell(tx).await?;
                    }
                    Ok(result)
                })
            })
            .await
    }
}

/// Examples of what webhooks are told, for those who try one out. Nobody in them exists.
pub(super) fn example(hook_id: &str, event: Event, now_ms: i64) -> JsonObject {
    #[derive(Serialize)]
    struct Person {
        id: &'static str,
        username: &'static str,
        #[serde(rename = "primaryEmail")]
        primary_email: &'static str,
        name: &'static str,
        #[serde(rename = "createdAt")]
        created_at: i64,
        #[serde(rename = "isSuspended")]
        is_suspended: bool,
    }
    let person = Person {
        id: "example-user",
        username: "maria",
        primary_email: "maria@example.com",
        name: "Maria Silva",
        created_at: now_ms,
        is_suspended: false,
    };
    let news = News {
        event,
        to: vec![(hook_id.to_owned(), String::new())],
        facts: JsonObject::new(),
        rank: 0,
    };
    let news = news
        .fact("hookId", hook_id)
        .fact("event", event.name())
        .fact("createdAt", calendar::iso8601(now_ms))
        .fact("userAgent", "Example/1.0");
    let news = if event.is_of_interaction() {
        news.fact("userIp", "192.0.2.1")
            .fact("sessionId", "example-session")
            .fact("userId", person.id)
            .fact("user", &person)
            .fact("applicationId", "example-application")
    } else {
        let call = Call {
            path: "/users/example-user".to_owned(),
            method: "PATCH".to_owned(),
            status: 200,
            params: [("userId", person.id.to_owned())].into(),
            matched_route: "/users/:userId",
        };
        news.fact("ip", "192.0.2.1").merged(&call).fact("data", &person)
    };
    news.facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_membership_lists_no_more_than_a_body_bears_and_nothing_empty() {
        let ids: Vec<String> = (0..6000).map(|number| number.to_string()).collect();
        let delta = Membership::of_users("o", &ids, &[]);
        assert_eq!(delta.added_user_ids.len(), MOST_IDS);
        let told = serde_json::to_value(delta).unwrap();
        let names: Vec<&String> = told.as_object().unwrap().keys().collect();
        assert_eq!(names, ["addedUserIds", "organizationId"]);
    }

    #[test]
    fn every_event_has_an_example() {
        for event in Event::ALL {
            let example = example("h", *event, 0);
            assert_eq!(example["event"], event.name());
            let of_call = example.contains_key("matchedRoute");
            assert_eq!(of_call, !event.is_of_interaction(), "{}", event.name());
        }
    }
}
