//! Providers that are used in many countries.

use crate::account::providers::{NOTHING, PasswordKind, ProviderFacts, UserName};

/// A data centre of Zoho: its name, the domains of its addresses, the one of its servers, and the other data centres.
macro_rules! zoho {
    ($name:literal, $domains:literal, $servers:literal, $others:literal) => {
        ProviderFacts {
            name: $name,
            domains: $domains,
            pop3: concat!("pop.", $servers, ":995/tls"),
            imap: concat!("imap.", $servers, ":993/tls"),
            smtp: concat!("smtp.", $servers, ":465/tls smtp.", $servers, ":587/starttls"),
            pop_switch: Some("https://www.zoho.com/mail/help/pop-access.html#EnablePOPAccess"),
            imap_switch: Some("https://www.zoho.com/mail/help/pop-access.html#EnablePOPAccess"),
            help: "https://www.zoho.com/mail/help/pop-access.html",
            quirk: Some(concat!(
                "the wrong data centre (",
                $others,
                ", …) refuses every login; a paid domain of your own has poppro, imappro, smtppro"
            )),
            ..NOTHING
        }
    };
}

pub static WORLD: &[ProviderFacts] = &[
    ProviderFacts {
        name: "Gmail",
        domains: "gmail.com googlemail.com google.com jazztel.es nyu.edu",
        mx: "google.com googlemail.com",
        pop3: "pop.gmail.com:995/tls",
        imap: "imap.gmail.com:993/tls",
        smtp: "smtp.gmail.com:465/tls",
        secret: PasswordKind::AppPassword,
        oauth: Some("google"),
        condition: Some("2-Step Verification must be on; the account's own password is refused"),
        pop_switch: Some("https://mail.google.com/mail/u/0/#settings/fwdandpop"),
        help: "https://support.google.com/mail/answer/7104828",
        quirk: Some(
            "what was fetched is never listed again; \"recent:\" before the user name lists the last 30 days",
        ),
        files_sent: &["smtp.gmail.com", "smtp.googlemail.com"],
        ..NOTHING
    },
    ProviderFacts {
        name: "Outlook.com",
        domains: "hotmail.com live.com msn.com outlook.com windowslive.com outlook.at outlook.be outlook.cl \
            outlook.cz outlook.de outlook.dk outlook.es outlook.fr outlook.hu outlook.ie outlook.in \
            outlook.it outlook.jp outlook.kr outlook.lv outlook.my outlook.ph outlook.pt outlook.sa \
            outlook.sg outlook.sk outlook.co.id outlook.co.il outlook.co.th outlook.com.ar outlook.com.au \
            outlook.com.br outlook.com.gr outlook.com.tr outlook.com.vn hotmail.be hotmail.ca hotmail.cl \
            hotmail.cz hotmail.de hotmail.dk hotmail.es hotmail.fi hotmail.fr hotmail.gr hotmail.hu \
            hotmail.it hotmail.lt hotmail.lv hotmail.my hotmail.nl hotmail.no hotmail.ph hotmail.rs \
            hotmail.se hotmail.sg hotmail.sk hotmail.co.id hotmail.co.il hotmail.co.in hotmail.co.jp \
            hotmail.co.kr hotmail.co.th hotmail.co.uk hotmail.co.za hotmail.com.ar hotmail.com.au \
            hotmail.com.br hotmail.com.hk hotmail.com.tr hotmail.com.tw hotmail.com.vn live.at live.be \
            live.ca live.cl live.cn live.de live.dk live.fi live.fr live.hk live.ie live.in live.it live.jp \
            live.nl live.no live.ru live.se live.co.jp live.co.kr live.co.uk live.co.za live.com.ar \
            live.com.au live.com.mx live.com.my live.com.ph live.com.pt live.com.sg livemail.tw",
        mx: "olc.protection.outlook.com",
        pop3: "outlook.office365.com:995/tls",
        imap: "outlook.office365.com:993/tls",
        smtp: "smtp-mail.outlook.com:587/starttls",
        secret: PasswordKind::Token,
        oauth: Some("microsoft"),
        condition: Some("passwords and app passwords have been refused since September 2024"),
        pop_switch: Some("https://outlook.live.com/mail/0/options/mail/popAndImap"),
        imap_switch: Some("https://outlook.live.com/mail/0/options/mail/popAndImap"),
        help: "https://support.microsoft.com/office/d088b986-291d-42b8-9564-9c414e2aa040",
        quirk: Some("deleting by POP deletes in the mailbox itself"),
        files_sent: &["smtp-mail.outlook.com", "outlook.office365.com", "smtp.live.com"],
        ..NOTHING
    },
    ProviderFacts {
        name: "Microsoft 365",
        domains: "office365.com onmicrosoft.com",
        mx: "mail.protection.outlook.com mx.microsoft",
        pop3: "outlook.office365.com:995/tls",
        imap: "outlook.office365.com:993/tls",
        smtp: "smtp.office365.com:587/starttls",
        secret: PasswordKind::Token,
        oauth: Some("microsoft"),
        condition: Some("an administrator switches POP, IMAP and SMTP AUTH on for each mailbox"),
        help: "https://learn.microsoft.com/exchange/client-developer/legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth",
        quirk: Some("deleting by POP deletes in the mailbox itself"),
        files_sent: &["smtp.office365.com"],
        ..NOTHING
    },
    ProviderFacts {
        name: "Yahoo Mail",
        domains: "yahoo.com yahoo.ca yahoo.de yahoo.it yahoo.fr yahoo.es yahoo.se yahoo.co.in yahoo.co.uk \
            yahoo.co.nz yahoo.com.au yahoo.com.ar yahoo.com.br yahoo.com.mx ymail.com myyahoo.com \
            rocketmail.com cox.net",
        mx: "mail.am0.yahoodns.net am0.yahoodns.net yahoodns.net",
        pop3: "pop.mail.yahoo.com:995/tls",
        imap: "imap.mail.yahoo.com:993/tls export.imap.mail.yahoo.com:993/tls",
        smtp: "smtp.mail.yahoo.com:465/tls",
        secret: PasswordKind::AppPassword,
        oauth: Some("yahoo"),
        condition: Some("some accounts are offered OAuth2 only"),
        help: "https://help.yahoo.com/kb/SLN4724.html",
        quirk: Some("IMAP shows 10000 messages of a folder; export.imap.mail.yahoo.com shows all"),
        ..NOTHING
    },
    ProviderFacts {
        name: "AOL",
        domains: "aol.com aim.com netscape.net netscape.com compuserve.com cs.com wmconnect.com aol.de aol.it \
            aol.fr aol.es aol.se aol.co.uk aol.co.nz aol.com.au aol.com.ar aol.com.br aol.com.mx verizon.net",
        mx: "mail.gm0.yahoodns.net",
        pop3: "pop.aol.com:995/tls",
        imap: "imap.aol.com:993/tls",
        smtp: "smtp.aol.com:465/tls",
        secret: PasswordKind::AppPassword,
        condition: Some("some accounts are offered OAuth2 only"),
        help: "https://help.aol.com/articles/Create-and-manage-app-password",
        ..NOTHING
    },
    ProviderFacts {
        name: "Apple iCloud",
        domains: "mac.com me.com icloud.com",
        mx: "icloud.com",
        imap: "imap.mail.me.com:993/tls",
        smtp: "smtp.mail.me.com:587/starttls",
        user: UserName::LocalByImap,
        secret: PasswordKind::AppPassword,
        condition: Some("two-factor authentication must be on"),
        help: "https://support.apple.com/102525",
        quirk: Some("with a domain of your own the user is the iCloud address"),
        files_sent: &["smtp.mail.me.com"],
        ..NOTHING
    },
    ProviderFacts {
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
            internetmailing.net jetemail.net justemail.net letterboxes.org mail-central.com mail-page.com \
            mailandftp.com mailas.com mailbolt.com mailc.net mailcan.com mailforce.net mailftp.com \
            mailhaven.com mailingaddress.org mailite.com mailmight.com mailnew.com mailsent.net \
            mailservice.ms mailup.net mailworks.org ml1.net mm.st myfastmail.com mymacmail.com \
            nospammail.net ownmail.net petml.com postinbox.com postpro.net proinbox.com promessage.com \
            realemail.net reallyfast.biz reallyfast.info rushpost.com sent.as sent.at sent.com speedpost.net \
            speedymail.org ssl-mail.com swift-mail.com the-fastest.net the-quickest.com theinternetemail.com \
            veryfast.biz veryspeedy.net warpmail.net xsmail.com yepmail.net your-mail.com",
        mx: "messagingengine.com",
        pop3: "pop.fastmail.com:995/tls",
        imap: "imap.fastmail.com:993/tls",
        smtp: "smtp.fastmail.com:465/tls",
        secret: PasswordKind::AppPassword,
        oauth: Some("fastmail"),
        condition: Some("the Basic plan has none"),
        help: "https://www.fastmail.help/hc/en-us/articles/1500000278342",
        quirk: Some("the user is the primary address, not an alias"),
        ..NOTHING
    },
    zoho!("Zoho Mail", "zoho.com zohomail.com", "zoho.com", ".eu, .in"),
    zoho!("Zoho Mail (EU)", "zoho.eu zohomail.eu", "zoho.eu", ".com, .in"),
    zoho!("Zoho Mail (India)", "zoho.in zohomail.in", "zoho.in", ".com, .eu"),
    zoho!("Zoho Mail (Australia)", "zoho.com.au zohomail.com.au", "zoho.com.au", ".com, .eu"),
    zoho!("Zoho Mail (Japan)", "zoho.jp zohomail.jp", "zoho.jp", ".com, .eu"),
    zoho!("Zoho Mail (Canada)", "zohocloud.ca zohomailcloud.ca", "zohocloud.ca", ".com, .eu"),
    ProviderFacts {
        name: "mail.com",
        domains: "mail.com mail.org email.com post.com usa.com accountant.com consultant.com dr.com engineer.com \
            cheerful.com techie.com linuxmail.org europe.com london.com uymail.com myself.com iname.com \
            writeme.com 2die4.com activist.com adexec.com africamail.com aircraftmail.com alabama.usa.com \
            alaska.usa.com allergist.com alumni.com alumnidirector.com americamail.com amorous.com \
            angelic.com archaeologist.com arizona.usa.com artlover.com asia-mail.com atheist.com \
            australiamail.com bartender.net berlin.com bigger.com bikerider.com birdlover.com blader.com \
            boardermail.com brazilmail.com brew-master.com california.usa.com californiamail.com caress.com \
            catlover.com chef.net chemist.com chinamail.com clerk.com cliffhanger.com collector.org \
            columnist.com comic.com computer4u.com contractor.net coolsite.net counsellor.com count.com \
            couple.com cutey.com cyberdude.com cybergal.com cyber-wizard.com dallasmail.com dbzmail.com \
            deliveryman.com diplomats.com disciples.com doctor.com doglover.com doramail.com dublin.com \
            earthling.net elvisfan.com englandmail.com europemail.com execs.com fan.com feelings.com \
            financier.com fireman.net florida.usa.com footballer.com gardener.com geologist.com \
            germanymail.com graduate.org graphic-designer.com hackermail.com hairdresser.net hilarious.com \
            hockeymail.com homemail.com hot-shot.com hour.com humanoid.net illinois.usa.com innocent.com \
            inorbit.com instruction.com instructor.net insurer.com irelandmail.com italymail.com japan.com \
            journalist.com keromail.com kittymail.com koreamail.com lawyer.com legislator.com loveable.com \
            lovecat.com mad.scientist.com madonnafan.com madrid.com marchmail.com mexicomail.com \
            mindless.com minister.com mobsters.com monarchy.com moscowmail.com munich.com musician.org \
            muslim.com newyork.usa.com null.net nycmail.com oath.com optician.com pacificwest.com \
            petlover.com photographer.net playful.com poetic.com politician.com popstar.com presidency.com \
            priest.com programmer.net publicist.com realtyagent.com reborn.com reggaefan.com religious.com \
            repairman.com representative.com rescueteam.com revenue.com rocketship.com rockfan.com rome.com \
            royal.net saintly.com salesperson.net sanfranmail.com scientist.com scotlandmail.com \
            secretary.net seductive.com singapore.com snakebite.com songwriter.net soon.com spainmail.com \
            teachers.org technologist.com texas.usa.com thegame.com therapist.net toke.com tokyo.com \
            toothfairy.com tvstar.com umpire.com wallet.com webname.com weirdness.com who.net whoever.com \
            winning.com witty.com worker.com workmail.com yours.com",
        pop3: "pop.mail.com:995/tls pop.mail.com:110/starttls",
        imap: "imap.mail.com:993/tls imap.mail.com:143/starttls",
        smtp: "smtp.mail.com:465/tls smtp.mail.com:587/starttls",
        condition: Some("POP and IMAP are for Premium accounts"),
        pop_switch: Some("https://support.mail.com/pop-imap/toggle.html"),
        imap_switch: Some("https://support.mail.com/pop-imap/toggle.html"),
        help: "https://support.mail.com/premium/imap/server.html",
        ..NOTHING
    },
    ProviderFacts {
        name: "Posteo",
        domains: "posteo.de posteo.at posteo.be posteo.ca posteo.ch posteo.cl posteo.co posteo.co.uk posteo.com \
            posteo.com.br posteo.cr posteo.cz posteo.dk posteo.ee posteo.es posteo.eu posteo.fi posteo.gl \
            posteo.gr posteo.hn posteo.hr posteo.hu posteo.ie posteo.in posteo.is posteo.it posteo.jp \
            posteo.la posteo.li posteo.lt posteo.lu posteo.me posteo.mx posteo.my posteo.net posteo.nl \
            posteo.no posteo.nz posteo.org posteo.pe posteo.pl posteo.pm posteo.pt posteo.ro posteo.se \
            posteo.sg posteo.si posteo.tn posteo.uk posteo.us",
        pop3: "posteo.de:995/tls posteo.de:110/starttls",
        imap: "posteo.de:993/tls posteo.de:143/starttls",
        smtp: "posteo.de:465/tls posteo.de:587/starttls",
        secret: PasswordKind::AppPassword,
        help: "https://posteo.de/en/help/app-passwords",
        quirk: Some("the user is the main address, not an alias"),
        ..NOTHING
    },
    ProviderFacts {
        name: "mailbox.org",
        domains: "mailbox.org secure.mailbox.org",
        pop3: "pop3.mailbox.org:995/tls",
        imap: "imap.mailbox.org:993/tls",
        smtp: "smtp.mailbox.org:465/tls",
        help: "https://kb.mailbox.org/",
        ..NOTHING
    },
    ProviderFacts {
        name: "Proton Mail",
        domains: "proton.me protonmail.com protonmail.ch pm.me",
        imap: "127.0.0.1:1143/starttls",
        smtp: "127.0.0.1:1025/starttls",
        secret: PasswordKind::AppPassword,
        condition: Some(
            "Proton Mail Bridge must run on this machine; the password is the one that Bridge shows",
        ),
        help: "https://proton.me/support/protonmail-bridge-faq",
        quirk: Some("the certificate of Bridge is its own: --tls-fingerprint pins it"),
        ..NOTHING
    },
];
