//! What `setup` tells at the end: generated secrets, what to type where, and what to do next.
//!
//! Owns these texts. Must not write files.

use std::io::{self, Write};
use std::path::Path;

use super::answers::{Answers, Client};
use super::applications::Application;
use super::configuration::CONFIG;
use super::exchange::SCRIPT;
use super::flags::{Kind, Purpose};
use super::questions::name;
use crate::tenant::Cloud;
use crate::tenant::permissions::{GRAPH, Role};

/// How each client logs in; its secret is shown here, and nowhere else.
pub(super) fn clients(answers: &Answers, passwords: &[String], out: &mut dyn Write) -> io::Result<()> {
    for (client, password) in answers.clients.iter().zip(passwords) {
        match client.purpose {
            Purpose::Google => google(answers, client, password, out)?,
            Purpose::Rooms | Purpose::Other | Purpose::OutOfOffice => {
                writeln!(out, "\nFor {}, which is shown once:", client.id)?;
                writeln!(out, "  EWS URL            {}/EWS/Exchange.asmx", answers.server.public_url)?;
                writeln!(out, "  user name          {}", client.id)?;
                writeln!(out, "  password           {password}")?;
            }
        }
    }
    Ok(())
}

fn google(answers: &Answers, client: &Client, password: &str, out: &mut dyn Write) -> io::Result<()> {
    let url = &answers.server.public_url;
    writeln!(out, "\nFor Google's admin console (Apps > Google Workspace > Calendar > Calendar Interop management),")?;
    writeln!(out, "endpoint type Microsoft 365 (Legacy EWS); the secret is shown once:")?;
    writeln!(out, "  Exchange Web Services URL    {url}/EWS/Exchange.asmx")?;
    writeln!(out, "  token URL                    {url}/token")?;
    writeln!(out, "  client id                    {}", client.id)?;
    writeln!(out, "  client secret                {password}")?;
    writeln!(out, "  Exchange role account        {}", client.user.as_deref().unwrap_or(&client.id))?;
    writeln!(out, "  Exchange domains             {}", answers.tenant.domains.join(", "))?;
    writeln!(out, "With an endpoint of the on-premises type: the role account as user name, the secret as password.")
}

/// What is left to do.
pub(super) fn next(answers: &Answers, folder: &Path, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\nNext, in the tenant {}:", answers.tenant.name)?;
    for application in &answers.applications {
        entra(answers, application, folder, out)?;
    }
    if answers.applications.iter().any(|it| it.credential.rbac_scoped) {
        let script = folder.join(SCRIPT);
        writeln!(out, "- Exchange: run {} in PowerShell. Do not also grant in Entra", script.display())?;
        writeln!(out, "  what it assigns: grants only add, and Entra's are for all mailboxes.")?;
    }
    let config = folder.join(CONFIG);
    let flag = |name: &str, mailbox: Option<&String>| {
        mailbox.map_or_else(String::new, |mailbox| format!(" --{name} '{}'", mailbox.replace('\'', r"'\''")))
    };
    let scope = answers.scope.as_ref();
    let allowed = flag("mailbox", scope.and_then(|scope| scope.allowed.as_ref()));
    let forbidden = flag("forbidden", scope.and_then(|scope| scope.forbidden.as_ref()));
    writeln!(out, "- The gateway's user must be able to read the configuration, its secrets and certificates.")?;
    writeln!(out, "- calendar-relay check --config '{}' --online{allowed}{forbidden}", config.display())
}

/// PowerShell that assigns a managed identity its roles: it has no manifest
/// (<https://learn.microsoft.com/powershell/module/microsoft.graph.applications/new-mgserviceprincipalapproleassignment>).
fn managed(application: &Application, roles: &[Role], out: &mut dyn Write) -> io::Result<()> {
    let called = application.name;
    if roles.is_empty() {
        return writeln!(
            out,
            "- {called}: a managed identity; it needs no app role, for Exchange lets it use its mailboxes"
        );
    }
    let id = if application.is_known() { &application.credential.client_id } else { "APPLICATION-ID" };
    writeln!(
        out,
        "- {called}: a managed identity has no manifest; assign its app roles of Microsoft Graph in PowerShell:"
    )?;
    writeln!(out, "    Connect-MgGraph -Scopes 'AppRoleAssignment.ReadWrite.All', 'Application.Read.All'")?;
    writeln!(out, "    $graph = Get-MgServicePrincipal -Filter \"appId eq '{GRAPH}'\"")?;
    writeln!(out, "    $identity = Get-MgServicePrincipal -Filter \"appId eq '{id}'\"")?;
    for role in roles {
        // Of some roles Microsoft's documents do not tell the id, which is the same everywhere: the tenant knows it.
        let role_id = role.id.map_or_else(
            || format!("($graph.AppRoles | Where-Object {{ $_.Value -eq '{}' }}).Id", role.name),
            |id| format!("'{id}'"),
        );
        writeln!(
            out,
            "    New-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $identity.Id -PrincipalId $identity.Id \
             -ResourceId $graph.Id -AppRoleId {role_id} # {}",
            role.name
        )?;
    }
    Ok(())
}

fn entra(answers: &Answers, application: &Application, folder: &Path, out: &mut dyn Write) -> io::Result<()> {
    let (kind, called) = (answers.means.kind(), application.name);
    let roles = application.roles();
    if kind == Kind::ManagedIdentity {
        managed(application, &roles, out)?;
    } else {
        let file = folder.join(application.manifest_file());
        if roles.is_empty() {
            writeln!(
                out,
                "- {called}: register an application; it needs no permission of Microsoft Graph, for Exchange"
            )?;
            writeln!(out, "    lets it use its mailboxes: {} says so", file.display())?;
        } else {
            writeln!(out, "- {called}: register an application, and put requiredResourceAccess of")?;
            writeln!(out, "    {} into its manifest", file.display())?;
        }
        for role in roles.iter().filter(|role| role.id.is_none()) {
            writeln!(out, "    and by hand: API permissions > Add a permission > Microsoft Graph >")?;
            writeln!(out, "    Application permissions > {}", role.name)?;
        }
    }
    if !application.is_known() {
        let config = folder.join(CONFIG);
        writeln!(out, "    write its application (client) id into {}", config.display())?;
    }
    match kind {
        Kind::Secret => {
            let file = folder.join(format!("secrets/entra-{called}"));
            writeln!(out, "    write its client secret (the value, not the id) into {}", file.display())?;
        }
        Kind::Certificate => writeln!(out, "    upload the certificate, without its key")?,
        Kind::FederatedToken => writeln!(out, "    add a federated credential for the platform's issuer and subject")?,
        Kind::ManagedIdentity => return Ok(()),
    }
    if !roles.is_empty() {
        let login =
            Cloud::named(&name(&answers.tenant.cloud)).map_or_else(String::new, |cloud| cloud.login.to_string());
        let id = if application.is_known() { &application.credential.client_id } else { "APPLICATION-ID" };
        writeln!(out, "    consent, as an administrator: {login}{}/adminconsent?client_id={id}", answers.tenant.id)?;
    }
    Ok(())
}
