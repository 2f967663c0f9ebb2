//! Routes that describe themselves: what a handler takes and answers is read from its type, so that the OpenAPI document says what
//! the code does.
//!
//! `get`, `post` and the others stand where axum's would. The description is made when somebody asks for the document, not before: a
//! server that is never asked keeps nothing of it but a pointer for each handler.

mod describe;
mod document;

use axum::Router;
use axum::handler::Handler;
use axum::routing::MethodRouter;
use http::Method;

pub(crate) use describe::{Input, Operation, Output};
pub(crate) use document::{Info, document};

use crate::app::App;
use describe::Described;

/// The routes of one area, with their descriptions.
pub(crate) struct Doors {
    router: Router<App>,
    pages: Vec<Page>,
    area: &'static str,
}

/// One operation: a method of a path.
#[derive(Clone)]
pub(crate) struct Page {
    path: &'static str,
    area: &'static str,
    method: Method,
    summary: &'static str,
    /// The path of the handler in the code, of which the operation's id is made.
    handler: &'static str,
    needs_token: bool,
    describe: fn(&mut Operation<'_>),
}

impl Page {
    /// Its path, with parameters in braces.
    pub(crate) const fn path(&self) -> &'static str {
        self.path
    }

    /// The area that readers know by this name.
    pub(crate) fn area(&self) -> &'static str {
        self.area
    }
}

/// The methods of one path.
pub(crate) struct Door {
    router: MethodRouter<App>,
    pages: Vec<Page>,
}

impl Doors {
    /// No routes yet, of the area that readers know by this name.
    pub(crate) fn new(area: &'static str) -> Self {
        Self { router: Router::new(), pages: Vec::new(), area }
    }

    /// Adds a path with its methods.
    pub(crate) fn route(mut self, path: &'static str, door: Door) -> Self {
        self.router = self.router.route(path, door.router);
        let area = self.area;
        self.pages.extend(door.pages.into_iter().map(|page| Page { path, area, ..page }));
        self
    }

    /// Adds the routes of another area.
    pub(crate) fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.pages.extend(other.pages);
        self
    }

    /// Notes that these routes are open to everyone.
    pub(crate) fn open_to_everyone(mut self) -> Self {
        for page in &mut self.pages {
            page.needs_token = false;
        }
        self
    }

    /// The routes, and what is to be told of them.
    pub(crate) fn into_parts(self) -> (Router<App>, Vec<Page>) {
        (self.router, self.pages)
    }
}

impl Door {
    fn new<H, T, A>(method: &Method, summary: &'static str, handler: H) -> Self
    where
        H: Handler<T, App> + Described<A>,
        T: 'static,
    {
        let nothing = Self { router: MethodRouter::new(), pages: Vec::new() };
        nothing.and(method, summary, handler)
    }

    fn and<H, T, A>(mut self, method: &Method, summary: &'static str, handler: H) -> Self
    where
        H: Handler<T, App> + Described<A>,
        T: 'static,
    {
        self.pages.push(Page {
            path: "",
            area: "",
            method: method.clone(),
            summary,
            handler: std::any::type_name::<H>(),
            needs_token: true,
            describe: H::describe,
        });
        let router = self.router;
        self.router = match *method {
            Method::GET => router.get(handler),
            Method::POST => router.post(handler),
            Method::PUT => router.put(handler),
            Method::PATCH => router.patch(handler),
            _ => router.delete(handler),
        };
        self
    }
}

/// Makes the functions that begin a door with a method.
macro_rules! beginnings {
    ($($name:ident $method:ident),*) => {
        $(
            #[doc = concat!("A door that takes ", stringify!($method), "; the summary says in a few words what it does.")]
            pub(crate) fn $name<H, T, A>(summary: &'static str, handler: H) -> Door
            where
                H: Handler<T, App> + Described<A>,
                T: 'static,
            {
                Door::new(&Method::$method, summary, handler)
            }
        )*
    };
}

/// Makes the functions that add a method to a door.
macro_rules! more {
    ($($name:ident $method:ident),*) => {
        impl Door {
            $(
                #[doc = concat!("Takes ", stringify!($method), " too.")]
                pub(crate) fn $name<H, T, A>(self, summary: &'static str, handler: H) -> Self
                where
                    H: Handler<T, App> + Described<A>,
                    T: 'static,
                {
                    self.and(&Method::$method, summary, handler)
                }
            )*
        }
    };
}

beginnings!(get GET, post POST, put PUT, patch PATCH, delete DELETE);
more!(post POST, put PUT, patch PATCH, delete DELETE);
