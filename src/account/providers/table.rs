//! The table of the providers.

use super::{PasswordKind, Provider, UserName};
use crate::net::Security;

/// The providers.
pub(super) static PROVIDERS: &[Provider] = &[
    Provider {
        name: "Gmail",
        domains: "gmail.com googlemail.com",
        pop3: Some(("pop.gmail.com", Security::Implicit)),
        imap: ("imap.gmail.com", Security::Implicit),
        smtp: ("smtp.gmail.com", Security::Implicit),
        user: UserName::Address,
        secret: PasswordKind::AppPassword,
        condition: Some("2-Step Verification must be on; the account's own password is refused"),
        pop_switch: Some("https://mail.google.com/mail/u/0/#settings/fwdandpop"),
        imap_switch: None,
        help: "https://support.google.com/mail/answer/7104828",
        quirk: Some(
            "what was fetched is never listed again; \"recent:\" before the user name lists the last 30 days",
        ),
        files_sent: &["smtp.gmail.com", "smtp.googlemail.com"],
    },
    Provider {
        name: "Outlook.com",
        domains: "hotmail.com live.com msn.com outlook.com windowslive.com outlook.at outlook.be outlook.cl \
            outlook.cz outlook.de outlook.dk outlook.es outlook.fr outlook.hu outlook.ie outlook.in \
            outlook.it outlook.jp outlook.kr outlook.lv outlook.my outlook.ph outlook.pt outlook.sa \
            outlook.sg outlook.sk outlook.co.id outlook.co.il outlook.co.th outlook.com.ar \
            outlook.com.au outlook.com.br outlook.com.gr outlook.com.tr outlook.com.vn hotmail.be \
            hotmail.ca hotmail.cl hotmail.cz hotmail.de hotmail.dk hotmail.es hotmail.fi hotmail.fr \
            hotmail.gr hotmail.hu hotmail.it hotmail.lt hotmail.lv hotmail.my hotmail.nl hotmail.no \
            hotmail.ph hotmail.rs hotmail.se hotmail.sg hotmail.sk hotmail.co.id hotmail.co.il \
            hotmail.co.in hotmail.co.jp hotmail.co.kr hotmail.co.th hotmail.co.uk hotmail.co.za \
            hotmail.com.ar hotmail.com.au hotmail.com.br hotmail.com.hk hotmail.com.tr hotmail.com.tw \
            hotmail.com.vn live.at live.be live.ca live.cl live.cn live.de live.dk live.fi live.fr \
            live.hk live.ie live.in live.it live.jp live.nl live.no live.ru live.se live.co.jp \
            live.co.kr live.co.uk live.co.za live.com.ar live.com.au live.com.mx live.com.my live.com.ph \
            live.com.pt live.com.sg livemail.tw",
        pop3: Some(("outlook.office365.com", Security::Implicit)),
        imap: ("outlook.office365.com", Security::Implicit),
        smtp: ("smtp-mail.outlook.com", Security::StartTls),
        user: UserName::Address,
        secret: PasswordKind::Token,
        condition: Some("passwords and app passwords have been refused since September 2024"),
        pop_switch: Some("https://outlook.live.com/mail/0/options/mail/popAndImap"),
        imap_switch: Some("https://outlook.live.com/mail/0/options/mail/popAndImap"),
        help: "https://support.microsoft.com/office/d088b986-291d-42b8-9564-9c414e2aa040",
        quirk: None,
        files_sent: &["smtp-mail.outlook.com", "outlook.office365.com", "smtp.live.com"],
    },
    Provider {
        name: "Microsoft 365",
        domains: "office365.com onmicrosoft.com",
        pop3: Some(("outlook.office365.com", Security::Implicit)),
        imap: ("outlook.office365.com", Security::Implicit),
        smtp: ("smtp.office365.com", Security::StartTls),
        user: UserName::Address,
        secret: PasswordKind::Token,
        condition: Some("an administrator switches POP, IMAP and SMTP AUTH on for each mailbox"),
        pop_switch: None,
        imap_switch: None,
        help: "https://learn.microsoft.com/exchange/client-developer/legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth",
        quirk: None,
        files_sent: &["smtp.office365.com"],
    },
    Provider {
        name: "Yahoo Mail",
        domains: "yahoo.com yahoo.ca yahoo.de yahoo.it yahoo.fr yahoo.es yahoo.se yahoo.co.in yahoo.co.uk \
            yahoo.co.nz yahoo.com.au yahoo.com.ar yahoo.com.br yahoo.com.mx ymail.com myyahoo.com \
            rocketmail.com cox.net",
        pop3: Some(("pop.mail.yahoo.com", Security::Implicit)),
        imap: ("imap.mail.yahoo.com", Security::Implicit),
        smtp: ("smtp.mail.yahoo.com", Security::Implicit),
        user: UserName::Address,
        secret: PasswordKind::AppPassword,
        condition: Some("some accounts are offered OAuth2 only"),
        pop_switch: None,
        imap_switch: None,
        help: "https://help.yahoo.com/kb/SLN4724.html",
        quirk: None,
        files_sent: &[],
    },
    Provider {
        name: "AOL",
        domains: "aol.com aim.com netscape.net netscape.com compuserve.com cs.com wmconnect.com aol.de aol.it \
            aol.fr aol.es aol.se aol.co.uk aol.co.nz aol.com.au aol.com.ar aol.com.br aol.com.mx \
            verizon.net",
        pop3: Some(("pop.aol.com", Security::Implicit)),
        imap: ("imap.aol.com", Security::Implicit),
        smtp: ("smtp.aol.com", Security::Implicit),
        user: UserName::Address,
        secret: PasswordKind::AppPassword,
        condition: Some("some accounts are offered OAuth2 only"),
        pop_switch: None,
        imap_switch: None,
        help: "https://help.aol.com/articles/Create-and-manage-app-password",
        quirk: None,
        files_sent: &[],
    },
    Provider {
        name: "Apple iCloud",
        domains: "mac.com me.com icloud.com",
        pop3: None,
        imap: ("imap.mail.me.com", Security::Implicit),
        smtp: ("smtp.mail.me.com", Security::StartTls),
        user: UserName::LocalByImap,
        secret: PasswordKind::AppPassword,
        condition: Some("two-factor authentication must be on"),
        pop_switch: None,
        imap_switch: None,
        help: "https://support.apple.com/102525",
        quirk: None,
        files_sent: &["smtp.mail.me.com"],
    },
    Provider {
        name: "Fastmail",
        domains: "fastmail.com fastmail.fm 123mail.org 150mail.com 150ml.com 16mail.com 2-mail.com 4email.net \
            50mail.com airpost.net allmail.net bestmail.us cluemail.com elitemail.org emailcorner.net \
            emailengine.net emailengine.org emailgroups.net emailplus.org emailuser.net eml.cc f-m.fm \
            fast-email.com fast-mail.org fastem.com fastemail.us fastemailer.com fastest.cc fastimap.com \
            fastmail.cn fastmail.co.uk fastmail.com.au fastmail.de fastmail.es fastmail.fr fastmail.im \
            fastmail.in fastmail.jp fastmail.mx fastmail.net fastmail.nl fastmail.org fastmail.se \
            fastmail.to fastmail.tw fastmail.uk fastmail.us fastmailbox.net fastmessaging.com fea.st \
            fmail.co.uk fmailbox.com fmgirl.com fmguy.com ftml.net h-mail.us hailmail.net imap-mail.com \
            imap.cc imapmail.org inoutbox.com internet-e-mail.com internet-mail.org internetemails.net \
            internetmailing.net jetemail.net justemail.net letterboxes.org mail-central.com \
            mail-page.com mailandftp.com mailas.com mailbolt.com mailc.net mailcan.com mailforce.net \
            mailftp.com mailhaven.com mailingaddress.org mailite.com mailmight.com mailnew.com \
            mailsent.net mailservice.ms mailup.net mailworks.org ml1.net mm.st myfastmail.com \
            mymacmail.com nospammail.net ownmail.net petml.com postinbox.com postpro.net proinbox.com \
            promessage.com realemail.net reallyfast.biz reallyfast.info rushpost.com sent.as sent.at \
            sent.com speedpost.net speedymail.org ssl-mail.com swift-mail.com the-fastest.net \
            the-quickest.com theinternetemail.com veryfast.biz veryspeedy.net warpmail.net xsmail.com \
            yepmail.net your-mail.com",
        pop3: Some(("pop.fastmail.com", Security::Implicit)),
        imap: ("imap.fastmail.com", Security::Implicit),
        smtp: ("smtp.fastmail.com", Security::Implicit),
        user: UserName::Address,
        secret: PasswordKind::AppPassword,
        condition: Some("the Basic plan has none"),
        pop_switch: None,
        imap_switch: None,
        help: "https://www.fastmail.help/hc/en-us/articles/1500000278342",
        quirk: Some("the user is the primary address, not an alias"),
        files_sent: &[],
    },
    Provider {
        name: "Zoho Mail",
        domains: "zoho.com zohomail.com",
        pop3: Some(("pop.zoho.com", Security::Implicit)),
        imap: ("imap.zoho.com", Security::Implicit),
        smtp: ("smtp.zoho.com", Security::Implicit),
        user: UserName::Address,
        secret: PasswordKind::Password,
        condition: None,
        pop_switch: Some("https://www.zoho.com/mail/help/pop-access.html"),
        imap_switch: None,
        help: "https://www.zoho.com/mail/help/pop-access.html",
        quirk: Some("the wrong data centre (.eu, .in, …) refuses every login"),
        files_sent: &[],
    },
    Provider {
        name: "Zoho Mail (EU)",
        domains: "zoho.eu zohomail.eu",
        pop3: Some(("pop.zoho.eu", Security::Implicit)),
        imap: ("imap.zoho.eu", Security::Implicit),
        smtp: ("smtp.zoho.eu", Security::Implicit),
        user: UserName::Address,
        secret: PasswordKind::Password,
        condition: None,
        pop_switch: Some("https://www.zoho.com/mail/help/pop-access.html"),
        imap_switch: None,
        help: "https://www.zoho.com/mail/help/pop-access.html",
        quirk: Some("the wrong data centre (.com, .in, …) refuses every login"),
        files_sent: &[],
    },
    Provider {
        name: "GMX",
        domains: "gmx.net gmx.de gmx.at gmx.ch gmx.eu gmx.biz gmx.org gmx.info mein.gmx mail.gmx email.gmx",
        pop3: Some(("pop.gmx.net", Security::Implicit)),
        imap: ("imap.gmx.net", Security::Implicit),
        smtp: ("mail.gmx.net", Security::Implicit),
        user: UserName::Address,
        secret: PasswordKind::Password,
        condition: None,
        pop_switch: Some("https://hilfe.gmx.net/pop-imap/einschalten.html"),
        imap_switch: Some("https://hilfe.gmx.net/pop-imap/einschalten.html"),
        help: "https://hilfe.gmx.net/pop-imap/imap/imap-serverdaten.html",
        quirk: None,
        files_sent: &[],
    },
    Provider {
        name: "GMX (international)",
        domains: "gmx.com gmx.tm gmx.us gmx.co.uk gmx.es gmx.fr gmx.ca gmx.cn gmx.co.in gmx.com.br gmx.com.my \
            gmx.hk gmx.ie gmx.ph gmx.pt gmx.ru gmx.se gmx.sg gmx.tw gmx.com.tr gmx.it gmx.li",
        pop3: Some(("pop.gmx.com", Security::Implicit)),
        imap: ("imap.gmx.com", Security::Implicit),
        smtp: ("mail.gmx.com", Security::Implicit),
        user: UserName::Address,
        secret: PasswordKind::Password,
        condition: None,
        pop_switch: Some("https://support.gmx.com/pop-imap/toggle.html"),
        imap_switch: Some("https://support.gmx.com/pop-imap/toggle.html"),
        help: "https://support.gmx.com/pop-imap/pop3/index.html",
        quirk: None,
        files_sent: &[],
    },
    Provider {
        name: "WEB.DE",
        domains: "web.de email.de flirt.ms hallo.ms kuss.ms love.ms magic.ms singles.ms cool.ms kanzler.ms \
            okay.ms party.ms pop.ms stars.ms techno.ms clever.ms deutschland.ms genial.ms ich.ms \
            online.ms smart.ms wichtig.ms action.ms fussball.ms joker.ms planet.ms power.ms",
        pop3: Some(("pop3.web.de", Security::Implicit)),
        imap: ("imap.web.de", Security::Implicit),
        smtp: ("smtp.web.de", Security::Implicit),
        user: UserName::Local,
        secret: PasswordKind::Password,
        condition: None,
        pop_switch: Some("https://hilfe.web.de/pop-imap/einschalten.html"),
        imap_switch: Some("https://hilfe.web.de/pop-imap/einschalten.html"),
        help: "https://hilfe.web.de/pop-imap/imap/imap-serverdaten.html",
        quirk: Some(
            "free accounts may log in to POP once in 15 minutes; earlier, the right password is refused too",
        ),
        files_sent: &[],
    },
];
