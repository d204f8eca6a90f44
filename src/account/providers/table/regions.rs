//! Providers of one country or region.

use crate::account::providers::{NOTHING, PasswordKind, ProviderFacts, UserName};

/// NetEase, by the domain of the addresses.
macro_rules! netease {
    ($domain:literal) => {
        ProviderFacts {
            name: concat!("NetEase ", $domain),
            domains: $domain,
            pop3: concat!("pop.", $domain, ":995/tls"),
            imap: concat!("imap.", $domain, ":993/tls"),
            smtp: concat!("smtp.", $domain, ":465/tls"),
            secret: PasswordKind::AppPassword,
            condition: Some("it is called an authorisation code (客户端授权码)"),
            pop_switch: Some("https://help.mail.163.com/"),
            imap_switch: Some("https://help.mail.163.com/"),
            help: "https://help.mail.163.com/",
            ..NOTHING
        }
    };
}

pub static REGIONS: &[ProviderFacts] = &[
    ProviderFacts {
        name: "GMX",
        domains: "gmx.net gmx.de gmx.at gmx.ch gmx.eu gmx.biz gmx.org gmx.info mein.gmx mail.gmx email.gmx",
        mx: "gmx.net",
        pop3: "pop.gmx.net:995/tls pop.gmx.net:110/starttls",
        imap: "imap.gmx.net:993/tls imap.gmx.net:143/starttls",
        smtp: "mail.gmx.net:465/tls mail.gmx.net:587/starttls",
        pop_switch: Some("https://hilfe.gmx.net/pop-imap/einschalten.html"),
        imap_switch: Some("https://hilfe.gmx.net/pop-imap/einschalten.html"),
        help: "https://hilfe.gmx.net/pop-imap/imap/imap-serverdaten.html",
        quirk: Some("by POP there may be only the inbox, until folders are switched on in the settings"),
        ..NOTHING
    },
    ProviderFacts {
        name: "GMX (international)",
        domains: "gmx.com gmx.tm gmx.us gmx.co.uk gmx.es gmx.fr gmx.ca gmx.cn gmx.co.in gmx.com.br gmx.com.my \
            gmx.hk gmx.ie gmx.ph gmx.pt gmx.ru gmx.se gmx.sg gmx.tw gmx.com.tr gmx.it gmx.li",
        pop3: "pop.gmx.com:995/tls pop.gmx.com:110/starttls",
        imap: "imap.gmx.com:993/tls imap.gmx.com:143/starttls",
        smtp: "mail.gmx.com:465/tls mail.gmx.com:587/starttls",
        pop_switch: Some("https://support.gmx.com/pop-imap/toggle.html"),
        imap_switch: Some("https://support.gmx.com/pop-imap/toggle.html"),
        help: "https://support.gmx.com/pop-imap/pop3/index.html",
        ..NOTHING
    },
    ProviderFacts {
        name: "WEB.DE",
        domains: "web.de email.de flirt.ms hallo.ms kuss.ms love.ms magic.ms singles.ms cool.ms kanzler.ms okay.ms \
            party.ms pop.ms stars.ms techno.ms clever.ms deutschland.ms genial.ms ich.ms online.ms smart.ms \
            wichtig.ms action.ms fussball.ms joker.ms planet.ms power.ms",
        pop3: "pop3.web.de:995/tls pop3.web.de:110/starttls",
        imap: "imap.web.de:993/tls imap.web.de:143/starttls",
        smtp: "smtp.web.de:465/tls smtp.web.de:587/starttls",
        user: UserName::Local,
        pop_switch: Some("https://hilfe.web.de/pop-imap/einschalten.html"),
        imap_switch: Some("https://hilfe.web.de/pop-imap/einschalten.html"),
        help: "https://hilfe.web.de/pop-imap/imap/imap-serverdaten.html",
        quirk: Some(
            "free accounts may log in to POP once in 15 minutes; earlier, the right password is refused too",
        ),
        ..NOTHING
    },
    ProviderFacts {
        name: "T-Online",
        domains: "t-online.de magenta.de",
        pop3: "securepop.t-online.de:995/tls",
        imap: "secureimap.t-online.de:993/tls",
        smtp: "securesmtp.t-online.de:465/tls securesmtp.t-online.de:587/starttls",
        secret: PasswordKind::AppPassword,
        condition: Some(
            "it is a password of its own for e-mail: https://www.telekom.de/hilfe/apps-dienste/e-mail/programme/passwort-verwalten",
        ),
        help: "https://www.telekom.de/hilfe/apps-dienste/e-mail/einstellungen/posteingang-postausgang-server",
        ..NOTHING
    },
    ProviderFacts {
        name: "freenet.de",
        domains: "freenet.de",
        pop3: "mx.freenet.de:995/tls",
        imap: "mx.freenet.de:993/tls",
        smtp: "mx.freenet.de:465/tls mx.freenet.de:587/starttls",
        pop_switch: Some("https://kundenservice.freenet.de/artikel/1869"),
        imap_switch: Some("https://kundenservice.freenet.de/artikel/1869"),
        help: "https://kundenservice.freenet.de/artikel/1869",
        ..NOTHING
    },
    ProviderFacts {
        name: "Yandex Mail",
        domains: "yandex.ru yandex.com yandex.net yandex.by yandex.kz yandex.ua ya.ru narod.ru",
        mx: "yandex.net",
        pop3: "pop.yandex.com:995/tls",
        imap: "imap.yandex.com:993/tls",
        smtp: "smtp.yandex.com:465/tls",
        secret: PasswordKind::AppPassword,
        oauth: Some("yandex"),
        condition: Some("it ends when the password is changed"),
        pop_switch: Some("https://mail.yandex.com/#setup/client"),
        imap_switch: Some("https://mail.yandex.com/#setup/client"),
        help: "https://yandex.com/support/mail/mail-clients/others.html",
        quirk: Some("OAuth2 is for IMAP and SMTP, not for POP"),
        ..NOTHING
    },
    ProviderFacts {
        name: "Mail.ru",
        domains: "mail.ru inbox.ru list.ru bk.ru corp.mail.ru internet.ru vk.com",
        mx: "mail.ru",
        pop3: "pop.mail.ru:995/tls pop.mail.ru:110/starttls",
        imap: "imap.mail.ru:993/tls imap.mail.ru:143/starttls",
        smtp: "smtp.mail.ru:465/tls smtp.mail.ru:587/starttls",
        secret: PasswordKind::AppPassword,
        oauth: Some("mailru"),
        condition: Some(
            "it is called a password for an external application: https://account.mail.ru/user/2-step-auth/passwords/",
        ),
        help: "https://help.mail.ru/mail-help/mailer/popsmtp",
        quirk: Some("OAuth2 is for IMAP and SMTP, not for POP"),
        ..NOTHING
    },
    ProviderFacts {
        name: "QQ Mail / Foxmail",
        domains: "qq.com foxmail.com",
        pop3: "pop.qq.com:995/tls",
        imap: "imap.qq.com:993/tls",
        smtp: "smtp.qq.com:465/tls",
        secret: PasswordKind::AppPassword,
        condition: Some("it is called an authorisation code (授权码)"),
        pop_switch: Some("https://service.mail.qq.com/"),
        imap_switch: Some("https://service.mail.qq.com/"),
        help: "https://service.mail.qq.com/",
        quirk: Some("by POP there is recent mail only, 30 days unless the settings say otherwise"),
        ..NOTHING
    },
    netease!("163.com"),
    netease!("126.com"),
    netease!("yeah.net"),
    ProviderFacts {
        name: "Naver",
        domains: "naver.com",
        pop3: "pop.naver.com:995/tls",
        imap: "imap.naver.com:993/tls",
        smtp: "smtp.naver.com:465/tls",
        pop_switch: Some("https://help.naver.com/service/30029/contents/21342"),
        imap_switch: Some("https://help.naver.com/service/30029/contents/21342"),
        help: "https://help.naver.com/service/30029/contents/21342",
        ..NOTHING
    },
    ProviderFacts {
        name: "Daum / Hanmail",
        domains: "daum.net hanmail.net",
        pop3: "pop.daum.net:995/tls",
        imap: "imap.daum.net:993/tls",
        smtp: "smtp.daum.net:465/tls",
        pop_switch: Some("https://cs.daum.net/faq/43/9234.html"),
        imap_switch: Some("https://cs.daum.net/faq/43/9234.html"),
        help: "https://cs.daum.net/faq/43/9234.html",
        ..NOTHING
    },
    ProviderFacts {
        name: "Orange / Wanadoo",
        domains: "orange.fr wanadoo.fr",
        pop3: "pop.orange.fr:995/tls",
        imap: "imap.orange.fr:993/tls",
        smtp: "smtp.orange.fr:465/tls",
        help: "https://assistance.orange.fr/",
        ..NOTHING
    },
    ProviderFacts {
        name: "Free",
        domains: "free.fr",
        pop3: "pop.free.fr:995/tls",
        imap: "imap.free.fr:993/tls",
        smtp: "smtp.free.fr:465/tls",
        user: UserName::Local,
        help: "https://assistance.free.fr/articles/609",
        quirk: Some("sending with a login must be switched on: https://free.fr/assistance/597.html"),
        ..NOTHING
    },
    ProviderFacts {
        name: "La Poste",
        domains: "laposte.net",
        pop3: "pop.laposte.net:995/tls",
        imap: "imap.laposte.net:993/tls",
        smtp: "smtp.laposte.net:465/tls",
        user: UserName::Local,
        help: "https://aide.laposte.net/",
        quirk: Some("the user is the main address, not an alias"),
        ..NOTHING
    },
    ProviderFacts {
        name: "SFR / Neuf",
        domains: "sfr.fr neuf.fr club-internet.fr",
        pop3: "pop.sfr.fr:995/tls",
        imap: "imap.sfr.fr:993/tls",
        smtp: "smtp.sfr.fr:465/tls",
        help: "https://assistance.sfr.fr/",
        ..NOTHING
    },
    ProviderFacts {
        name: "Libero / IOL",
        domains: "libero.it iol.it blu.it inwind.it giallo.it",
        pop3: "popmail.libero.it:995/tls",
        imap: "imapmail.libero.it:993/tls",
        smtp: "smtp.libero.it:465/tls",
        help: "https://aiuto.libero.it/",
        quirk: Some("spam is not seen by POP"),
        ..NOTHING
    },
    ProviderFacts {
        name: "Virgilio",
        domains: "virgilio.it",
        pop3: "in.virgilio.it:995/tls",
        imap: "in.virgilio.it:993/tls",
        smtp: "out.virgilio.it:465/tls",
        help: "https://aiuto.virgilio.it/",
        ..NOTHING
    },
    ProviderFacts {
        name: "Tiscali Italia",
        domains: "tiscali.it",
        pop3: "pop.tiscali.it:995/tls",
        imap: "imap.tiscali.it:993/tls",
        smtp: "smtp.tiscali.it:465/tls",
        help: "https://assistenza.tiscali.it/servizi/guida/posta-elettronica/",
        quirk: Some("sending may work only from the provider's own network"),
        ..NOTHING
    },
    ProviderFacts {
        name: "Comcast / Xfinity",
        domains: "comcast.net",
        pop3: "mail.comcast.net:995/tls mail.comcast.net:110/starttls",
        imap: "imap.comcast.net:993/tls imap.comcast.net:143/starttls",
        smtp: "smtp.comcast.net:465/tls smtp.comcast.net:587/starttls",
        pop_switch: Some("https://www.xfinity.com/support/articles/third-party-email-access"),
        imap_switch: Some("https://www.xfinity.com/support/articles/third-party-email-access"),
        help: "https://www.xfinity.com/support/articles/email-client-programs-with-xfinity-email",
        quirk: Some("a mailbox that has moved to Yahoo needs Yahoo's servers"),
        moves: true,
        ..NOTHING
    },
    ProviderFacts {
        name: "AT&T (Currently)",
        domains: "ameritech.net att.net bellsouth.net currently.com flash.net nvbell.net pacbell.net prodigy.net \
            sbcglobal.net snet.net swbell.net wans.net",
        pop3: "inbound.att.net:995/tls",
        imap: "imap.mail.att.net:993/tls",
        smtp: "outbound.att.net:465/tls smtp.mail.att.net:465/tls",
        secret: PasswordKind::AppPassword,
        oauth: Some("yahoo"),
        condition: Some("it is called a secure mail key"),
        help: "https://www.att.com/support/article/email-support/KM1010523/",
        ..NOTHING
    },
    ProviderFacts {
        name: "BT Mail",
        domains: "btinternet.com btopenworld.com talk21.com",
        pop3: "mail.btinternet.com:995/tls",
        imap: "mail.btinternet.com:993/tls",
        smtp: "mail.btinternet.com:465/tls",
        help: "https://www.bt.com/help/email/manage-email-account/manual-settings/what-are-the-settings-for-outgoing-and-incoming-bt-email-servers",
        ..NOTHING
    },
    ProviderFacts {
        name: "Sky",
        domains: "sky.com",
        pop3: "pop.tools.sky.com:995/tls",
        imap: "imap.tools.sky.com:993/tls",
        smtp: "smtp.tools.sky.com:465/tls",
        secret: PasswordKind::AppPassword,
        condition: Some("it is made at https://www.sky.com/sky-yahoo-mail/manage-apps"),
        help: "https://www.sky.com/help/articles/getting-started-with-sky-yahoo-mail",
        ..NOTHING
    },
    ProviderFacts {
        name: "Virgin Media",
        domains: "virginmedia.com",
        pop3: "pop3.virginmedia.com:995/tls",
        imap: "imap.virginmedia.com:993/tls",
        smtp: "smtp.virginmedia.com:465/tls",
        secret: PasswordKind::AppPassword,
        help: "https://www.virginmedia.com/help/broadband/manage-email-account",
        ..NOTHING
    },
    ProviderFacts {
        name: "Rediffmail",
        domains: "rediffmail.com",
        pop3: "pop.rediffmail.com:995/tls",
        smtp: "smtp.rediffmail.com:586/tls smtp.rediffmail.com:465/tls",
        help: "https://support.rediff.com/",
        quirk: Some("POP may need a paid plan"),
        ..NOTHING
    },
    ProviderFacts {
        name: "Seznam",
        domains: "seznam.cz email.cz post.cz spoluzaci.cz",
        pop3: "pop3.seznam.cz:995/tls",
        imap: "imap.seznam.cz:993/tls",
        smtp: "smtp.seznam.cz:465/tls",
        help: "https://napoveda.seznam.cz/cz/email/imap-pop3-smtp/",
        quirk: Some("POP and IMAP may have to be switched on in the settings"),
        ..NOTHING
    },
    ProviderFacts {
        name: "WP",
        domains: "wp.pl",
        pop3: "pop3.wp.pl:995/tls",
        imap: "imap.wp.pl:993/tls",
        smtp: "smtp.wp.pl:465/tls",
        user: UserName::Local,
        secret: PasswordKind::AppPassword,
        pop_switch: Some("https://pomoc.wp.pl/jak-skonfigurowac-program-pocztowy"),
        imap_switch: Some("https://pomoc.wp.pl/jak-skonfigurowac-program-pocztowy"),
        help: "https://pomoc.wp.pl/jak-skonfigurowac-program-pocztowy",
        ..NOTHING
    },
    ProviderFacts {
        name: "o2.pl",
        domains: "o2.pl go2.pl tlen.pl prokonto.pl",
        pop3: "poczta.o2.pl:995/tls",
        imap: "poczta.o2.pl:993/tls",
        smtp: "poczta.o2.pl:465/tls poczta.o2.pl:587/starttls",
        user: UserName::Local,
        pop_switch: Some("https://pomoc.o2.pl/aktywacja-dostepu-dla-programow-pocztowych"),
        imap_switch: Some("https://pomoc.o2.pl/aktywacja-dostepu-dla-programow-pocztowych"),
        help: "https://pomoc.o2.pl/jak-skonfigurowac-program-pocztowy",
        ..NOTHING
    },
    ProviderFacts {
        name: "Onet",
        domains: "onet.pl onet.eu poczta.onet.pl poczta.onet.eu op.pl vp.pl autograf.pl buziaczek.pl amorki.pl \
            republika.pl adres.pl cyberia.pl onet.com.pl opoczta.pl pseudonim.pl spoko.pl vip.onet.pl",
        pop3: "pop3.poczta.onet.pl:995/tls",
        imap: "imap.poczta.onet.pl:993/tls",
        smtp: "smtp.poczta.onet.pl:465/tls smtp.poczta.onet.pl:587/starttls",
        help: "https://pomoc.poczta.onet.pl/",
        quirk: Some("POP and IMAP may have to be switched on in the settings"),
        ..NOTHING
    },
    ProviderFacts {
        name: "Interia",
        domains: "interia.pl interia.eu poczta.fm interia.com intmail.pl",
        pop3: "poczta.interia.pl:995/tls",
        imap: "poczta.interia.pl:993/tls",
        smtp: "poczta.interia.pl:465/tls",
        pop_switch: Some("https://pomoc.poczta.interia.pl/"),
        imap_switch: Some("https://pomoc.poczta.interia.pl/"),
        help: "https://pomoc.poczta.interia.pl/",
        ..NOTHING
    },
];
