//! The PowerShell that limits applications to some mailboxes, by Exchange RBAC for Applications.
//! <https://learn.microsoft.com/exchange/permissions-exo/application-rbac>
//!
//! Owns the script, and how PowerShell quotes. Must not know how answers were had.

use super::answers::{Answers, Scope};
use super::applications::Application;
use super::flags::CloudName;

/// The script's name.
pub(super) const SCRIPT: &str = "exchange-rbac.ps1";

/// The script; none where Exchange limits nothing.
pub(super) fn script(answers: &Answers) -> Option<String> {
    let scope = answers.scope.as_ref()?;
    let applications: Vec<String> =
        answers.applications.iter().filter(|it| it.credential.rbac_scoped).map(application).collect();
    if applications.is_empty() {
        return None;
    }
    let connect = match answers.tenant.cloud {
        CloudName::Global => "Connect-ExchangeOnline",
        CloudName::UsGovernmentL4 => "Connect-ExchangeOnline -ExchangeEnvironmentName O365USGovGCCHigh",
        CloudName::UsGovernmentDod => "Connect-ExchangeOnline -ExchangeEnvironmentName O365USGovDoD",
        CloudName::China => "Connect-ExchangeOnline -ExchangeEnvironmentName O365China",
    };
    let script = format!(
        "{HEAD}\n{connect}\n\n\
         # Mailboxes to try at the end; empty ones are asked for.\n\
         $allowedMailbox = {}\n$forbiddenMailbox = {}\n\n\
         # Empty ids are asked for. ObjectId is the enterprise application's, not the app registration's.\n\
         $applications = @(\n{}\n)\n\n{}\n{BODY}",
        quoted(scope.allowed.as_deref().unwrap_or_default()),
        quoted(scope.forbidden.as_deref().unwrap_or_default()),
        applications.join("\n"),
        filter(scope),
    );
    // Without a mark Windows PowerShell takes what is not ASCII for another encoding.
    Some(if script.is_ascii() { script } else { format!("\u{feff}{script}") })
}

fn application(application: &Application) -> String {
    let roles: Vec<String> = application.exchange_roles().into_iter().map(quoted).collect();
    let id = if application.is_known() { application.credential.client_id.as_str() } else { "" };
    format!(
        "    @{{ Name = {}; AppId = {}; ObjectId = ''; Roles = @({}) }}",
        quoted(&format!("calendar-relay {}", application.name)),
        quoted(id),
        roles.join(", ")
    )
}

fn filter(scope: &Scope) -> String {
    match &scope.group {
        None => "$scopeName = 'calendar-relay rooms'\n\
                 $filter = \"RecipientTypeDetails -eq 'RoomMailbox' -or RecipientTypeDetails -eq 'EquipmentMailbox'\"\n"
            .to_owned(),
        // A distinguished name may hold apostrophes, which filters want doubled.
        Some(group) => format!(
            "# Direct members only: members of groups in this group are not in its scope.\n\
             $scopeName = 'calendar-relay group'\n\
             $group = Get-Group -Identity {}\n\
             $filter = \"MemberOfGroup -eq '\" + $group.DistinguishedName.Replace(\"'\", \"''\") + \"'\"\n",
            quoted(group)
        ),
    }
}

/// A string in which nothing means anything. PowerShell takes typographic apostrophes for quotes, too
/// (<https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_quoting_rules>).
fn quoted(text: &str) -> String {
    let mut quoted = String::from("'");
    for character in text.chars() {
        if matches!(character, '\'' | '\u{2018}'..='\u{201b}') {
            quoted.push(character);
        }
        quoted.push(character);
    }
    quoted + "'"
}

const HEAD: &str = "\
#Requires -Modules ExchangeOnlineManagement
# Written by `calendar-relay setup`: lets its applications use some mailboxes only, by Exchange RBAC for Applications.
# To be run by a member of Organization Management who is Exchange Administrator in Entra, too; may be run again.
# The gateway sees changes after half an hour to two hours; the trials at the end see them at once.
$ErrorActionPreference = 'Stop'
";

const BODY: &str = "\
if (Get-ManagementScope -Identity $scopeName -ErrorAction SilentlyContinue) {
    Set-ManagementScope -Identity $scopeName -RecipientRestrictionFilter $filter
} else {
    New-ManagementScope -Name $scopeName -RecipientRestrictionFilter $filter | Out-Null
}

if (-not $allowedMailbox) { $allowedMailbox = Read-Host 'A mailbox that the applications may use' }
if (-not $forbiddenMailbox) { $forbiddenMailbox = Read-Host 'A mailbox that they may not use' }
$trials = @(
    @{ Mailbox = $allowedMailbox; Expected = $true }
    @{ Mailbox = $forbiddenMailbox; Expected = $false }
)

foreach ($application in $applications) {
    $appId = $application.AppId
    if (-not $appId) { $appId = Read-Host \"Application (client) id of $($application.Name)\" }
    $principal = Get-ServicePrincipal | Where-Object { $_.AppId -eq $appId }
    if (-not $principal) {
        $objectId = $application.ObjectId
        if (-not $objectId) { $objectId = Read-Host \"Object id of the enterprise application $($application.Name)\" }
        $principal = New-ServicePrincipal -AppId $appId -ObjectId $objectId -DisplayName $application.Name
    }

    foreach ($role in $application.Roles) {
        # With the id: another gateway's application may have the same name.
        $name = $application.Name + ' ' + $role.Replace('Application ', '') + ' ' + $appId
        $assignment = Get-ManagementRoleAssignment -Identity $name -ErrorAction SilentlyContinue
        if ($assignment) {
            if (\"$($assignment.CustomResourceScope)\" -ne $scopeName) {
                Set-ManagementRoleAssignment -Identity $name -CustomResourceScope $scopeName
            }
        } else {
            New-ManagementRoleAssignment -Name $name -App $principal.ObjectId -Role $role -CustomResourceScope $scopeName | Out-Null
        }
    }

    foreach ($trial in $trials) {
        $result = Test-ServicePrincipalAuthorization -Identity $principal.ObjectId -Resource $trial.Mailbox
        $result | Format-Table -Property @('RoleName', 'GrantedPermissions', 'AllowedResourceScope', 'ScopeType', 'InScope')
        foreach ($role in $application.Roles) {
            $inScope = @($result | Where-Object { $_.RoleName -eq $role -and \"$($_.InScope)\" -eq 'True' }).Count -gt 0
            if ($inScope -ne $trial.Expected) {
                Write-Warning \"$($application.Name), $role, $($trial.Mailbox): in scope is $inScope and should be $($trial.Expected)\"
            }
        }
    }
}
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_quote_is_doubled() {
        assert_eq!(
            quoted("Board's \u{2019}rooms\u{2018} $(x) `\""),
            "'Board''s \u{2019}\u{2019}rooms\u{2018}\u{2018} $(x) `\"'"
        );
    }
}
