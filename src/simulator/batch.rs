//! `$batch`: up to 20 calls in one. <https://learn.microsoft.com/graph/json-batching>

use std::collections::BTreeMap;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;
use futures::StreamExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::error::{Answer, Refusal};
use super::json::{array, body, known, missing, object, text};
use super::request::Request;

const MOST: usize = 20;
/// Graph works on so many Outlook calls of a batch at once.
const AT_ONCE: usize = 4;

struct Item {
    id: String,
    after: Vec<String>,
    request: Result<Request, Refusal>,
}

/// Serves the items with `graph`: all at once where none waits for another, else one after the other.
pub(super) async fn serve<'a>(
    outer: &Request,
    strict: bool,
    clock: fn() -> Timestamp,
    graph: impl Fn(Request) -> BoxFuture<'a, Answer>,
) -> Result<Answer, Refusal> {
    let items = read(outer, strict)?;
    let one = |item| one(item, clock, &graph);
    let mut answers = Vec::new();
    if items.iter().all(|item| item.after.is_empty()) {
        let served = items.into_iter().map(one);
        answers = futures::stream::iter(served).buffer_unordered(AT_ONCE).collect().await;
    } else {
        let mut statuses: BTreeMap<String, u16> = BTreeMap::new();
        for item in items {
            let failed =
                item.after.iter().any(|id| statuses.get(&id.to_lowercase()).is_none_or(|status| *status >= 400));
            let (id, status, answer) =
                if failed { (item.id.clone(), 424, dependency(&item.id)) } else { one(item).await };
            statuses.insert(id.to_lowercase(), status);
            answers.push((id, status, answer));
        }
    }
    let responses: Vec<Value> = answers.into_iter().map(|(_, _, answer)| answer).collect();
    Ok(Answer::json(200, json!({ "responses": responses })))
}

async fn one<'a>(
    item: Item,
    clock: fn() -> Timestamp,
    graph: impl Fn(Request) -> BoxFuture<'a, Answer>,
) -> (String, u16, Value) {
    let answer = match item.request {
        Ok(request) => graph(request).await,
        Err(refusal) => refusal.answer(clock(), "", ""),
    };
    let mut headers = Map::new();
    for (name, value) in &answer.headers {
        headers.insert(canonical(name), json!(value));
    }
    let mut response = json!({ "id": item.id, "status": answer.status });
    if let Some(fields) = response.as_object_mut() {
        let content = if answer.garbage { Some(json!("{\"value\":[{\"sched")) } else { answer.body };
        if let Some(content) = content {
            headers.insert("Content-Type".to_owned(), json!("application/json"));
            fields.insert("body".to_owned(), content);
        }
        fields.insert("headers".to_owned(), Value::Object(headers));
    }
    (item.id, answer.status, response)
}

fn read(outer: &Request, strict: bool) -> Result<Vec<Item>, Refusal> {
    let whole = body(&outer.body)?;
    let fields = object(&whole, "batch")?;
    known(fields, &["requests"], "batch", strict)?;
    let requests = array(fields.get("requests").ok_or_else(|| missing("requests"))?, "requests")?;
    if requests.is_empty() || requests.len() > MOST {
        let message = format!("Number of batch request steps must be from 1 to {MOST}; it is {}.", requests.len());
        return Err(malformed(message));
    }
    let mut items: Vec<Item> = Vec::new();
    for request in requests {
        let item = read_one(object(request, "requests")?, outer, strict)?;
        if items.iter().any(|other| other.id.eq_ignore_ascii_case(&item.id)) {
            return Err(malformed(format!("The id '{}' is used twice.", item.id)));
        }
        if let Some(stranger) =
            item.after.iter().find(|id| !items.iter().any(|other| other.id.eq_ignore_ascii_case(id)))
        {
            return Err(malformed(format!("dependsOn names '{stranger}', which is no earlier request.")));
        }
        items.push(item);
    }
    Ok(items)
}

fn read_one(fields: &Map<String, Value>, outer: &Request, strict: bool) -> Result<Item, Refusal> {
    known(fields, &["id", "method", "url", "headers", "body", "dependsOn"], "batchRequestStep", strict)?;
    let need = |name: &str| text(fields.get(name).ok_or_else(|| missing(name))?, name);
    let (id, method, url) = (need("id")?.to_owned(), need("method")?.to_uppercase(), need("url")?);
    let after = match fields.get("dependsOn") {
        None => Vec::new(),
        Some(ids) => {
            let ids = array(ids, "dependsOn")?.iter().map(|id| text(id, "dependsOn").map(str::to_owned));
            ids.collect::<Result<_, _>>()?
        }
    };
    let mut headers = HeaderMap::new();
    for (name, value) in
        fields.get("headers").map(|headers| object(headers, "headers")).transpose()?.into_iter().flatten()
    {
        let pair = HeaderName::from_bytes(name.as_bytes()).ok().zip(HeaderValue::from_str(text(value, name)?).ok());
        let (name, value) = pair.ok_or_else(|| malformed(format!("The header '{name}' is not valid.")))?;
        headers.append(name, value);
    }
    let body = fields.get("body").map(|body| Bytes::from(body.to_string()));
    if body.is_some() && !headers.contains_key("content-type") {
        return Err(malformed(format!("Request '{id}' has a body and needs a Content-Type header.")));
    }
    if let Some(authorization) = outer.headers.get("authorization") {
        headers.insert("authorization", authorization.clone());
    }
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let path = format!("/v1.0/{}", path.trim_start_matches('/'));
    let request = if path == "/v1.0/$batch" || url.contains("://") {
        Err(malformed(format!("The URL '{url}' cannot be part of a batch.")))
    } else {
        Ok(Request {
            method,
            path,
            query: query.to_owned(),
            headers,
            body: body.unwrap_or_default(),
            origin: outer.origin.clone(),
        })
    };
    Ok(Item { id, after, request })
}

fn dependency(id: &str) -> Value {
    let message = "The request depends on one that failed.";
    json!({ "id": id, "status": 424, "headers": { "Content-Type": "application/json" },
        "body": { "error": { "code": "FailedDependency", "message": message } } })
}

fn malformed(message: String) -> Refusal {
    Refusal::bad("BadRequest", message)
}

/// `retry-after` as `Retry-After`: inside a batch, headers are JSON and their letters' case is seen.
fn canonical(name: &str) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>()).unwrap_or_default()
    };
    match name {
        "request-id" | "client-request-id" | "x-ms-ags-diagnostic" => name.to_owned(),
        _ => name.split('-').map(capital).collect::<Vec<_>>().join("-"),
    }
}
