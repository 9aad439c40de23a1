//! GetServerTimeZones: Exchange's zones, with their rules or without.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/getservertimezones-operation>
//!
//! Unknown ids are left out of the answer, as Exchange leaves them out.

use std::collections::HashSet;
use std::sync::Arc;

use crate::calendar::Capability;
use crate::calendar::zone::{self, ZoneDefinition};
use crate::ews::fault::Family;
use crate::ews::operation::{Context, Operation, Response};
use crate::ews::soap::{Body, MESSAGES, TYPES};
use crate::ews::types::{time_zone, value};
use crate::ews::xml::Xml;
use crate::failure::Failure;

/// The request: which zones.
#[derive(Debug)]
pub(super) struct GetServerTimeZones {
    ids: Option<Vec<String>>,
    rules: bool,
}

/// The answer.
#[derive(Debug)]
pub(super) struct GetServerTimeZonesResponse {
    zones: Vec<Arc<ZoneDefinition>>,
    rules: bool,
}

impl Operation for GetServerTimeZones {
    const NAME: &'static str = "GetServerTimeZones";
    const CAPABILITY: Option<Capability> = None;
    const FAMILY: Family = Family::PerItem;
    type Response = GetServerTimeZonesResponse;

    fn parse(body: &mut Body<'_>) -> Result<Self, Failure> {
        let rules = !matches!(body.attribute("ReturnFullTimeZoneData")?.as_deref(), Some("false" | "0"));
        let reader = body.reader();
        let mut ids = None;
        while let Some(part) = reader.child()? {
            if part.local() != "Ids" {
                reader.skip()?;
                continue;
            }
            let mut named = Vec::new();
            while reader.child()?.is_some() {
                named.push(reader.text()?.into_owned());
            }
            value::once(&mut ids, named, "Ids")?;
        }
        Ok(Self { ids, rules })
    }

    async fn run(self, _context: &Context<'_>) -> Result<GetServerTimeZonesResponse, Failure> {
        let mut zones: Vec<_> = match &self.ids {
            Some(ids) => ids.iter().filter_map(|id| zone::definition(id)).collect(),
            None => zone::windows_zones().filter_map(|windows| zone::definition(windows.id)).collect(),
        };
        // Each once: a definition is a hundred times as long as the id that asks for it.
        let mut told = HashSet::new();
        zones.retain(|zone| told.insert(Arc::as_ptr(zone)));
        Ok(GetServerTimeZonesResponse { zones, rules: self.rules })
    }
}

impl Response for GetServerTimeZonesResponse {
    fn size(&self) -> usize {
        512 + self.zones.len() * if self.rules { 4096 } else { 160 }
    }

    fn write(&self, xml: &mut Xml) {
        xml.raw(r#"<m:GetServerTimeZonesResponse xmlns:m=""#).raw(MESSAGES).raw(r#"" xmlns:t=""#).raw(TYPES);
        xml.raw(r#""><m:ResponseMessages><m:GetServerTimeZonesResponseMessage ResponseClass="Success">"#);
        xml.raw("<m:ResponseCode>NoError</m:ResponseCode><m:TimeZoneDefinitions>");
        for zone in &self.zones {
            time_zone::write_definition(xml, zone, self.rules);
        }
        xml.raw("</m:TimeZoneDefinitions></m:GetServerTimeZonesResponseMessage></m:ResponseMessages>");
        xml.raw("</m:GetServerTimeZonesResponse>");
    }
}
