//! The state of one mailbox: full, moved, disabled.

use super::{Reason, Rule, coded, rules, says};

pub(super) const ALL: &[Rule] = rules! {
    "disk-full" SystemFull says [
        "mail system full", "mail system is full", "no space left on device",
        "insufficient system storage", "insufficient system resources", "insufficient disk space",
        "out of disk space", "disk is full", "disk full", "not enough disk space", "server storage full",
        "file system full", "filesystem full", "filesystem is full", "low on disk", "low disk space",
        "not enough free space on", "no disk space", "exceeded storage allocation on server",
        "server disk space", "disk space is low", "system storage exceeded", "insufficient system disk",
        "insufficientdiskspace", "queue disk", "back pressure", "backpressure", "insufficient free space",
    ]
        sample says("452 4.3.1 Insufficient system storage");
    "message-longer-than-the-mailbox-takes" ExceedLimit says [
        "maximum size allowed for this mailbox", "too large for this recipient", "too large for mailbox",
        "too large for the mailbox", "too large for this mailbox", "user's maximum message size",
        "exceeds limit for the mailbox", "larger than the space available", "exceeds recipient's maximum",
        "recipient's maximum message size", "recipient's size limit", "recipsizelimit", "sendsizelimit",
        "exceeds the maximum size the recipient", "larger than the current system limit or the recipient",
        "size limit for this recipient", "recipient's mailbox can't accept messages larger",
        "is larger than the size limit for the recipient", "message is too large for the recipient",
    ]
        sample coded("5.2.3", "552 5.2.3 Message exceeds recipient's maximum message size");
    "over-quota" MailboxFull says [
        "over quota", "overquota", "over-quota", "over the quota", "over their quota", "over its quota",
        "over his quota", "over email quota", "over the allowed quota", "quota exceed", "quota is exceed",
        "quota has been exceed", "quota was exceed", "quota would be exceed", "quota limit exceed",
        "quota limit reached", "quota full", "quota is full", "quota violation", "quota reached",
        "quota has been reached", "quota error", "exceeded quota", "exceeded the quota",
        "exceeded their quota", "exceeded its quota", "exceeded his quota", "exceeds quota",
        "exceeds the quota", "exceeds allowed quota", "exceed quota", "exceed the quota",
        "exceed * allocated quota", "would exceed * quota", "exceeding * quota", "out of quota",
        "not enough quota", "insufficient quota", "disk quota", "mail quota", "mailbox quota",
        "storage quota", "reached * quota", "hit quota", "account * quota", "user * quota",
        "recipient * quota", "mailquota", "quota for this user", "exceededmailboxquota", "quotaexceeded",
        "quota is over",
    ]
        sample coded("5.2.2", "552 5.2.2 <neko@example.com> Quota exceeded (mailbox for user is full)");
    "mailbox-full" MailboxFull says [
        "mailbox full", "mailbox is full", "mailbox currently full", "mailbox is currently full",
        "mailbox of the recipient is full", "mailbox is almost full", "mailbox seems full",
        "mailbox too full", "mailbox is too full", "mailbox * is full", "mailbox * full.",
        "mailbox is over", "mailbox over", "mailbox has exceeded", "mailbox exceeded", "mailbox exceeds",
        "mailbox too large", "mailbox is too large", "mailbox size limit", "mailbox size exceeded",
        "mailbox limit exceeded", "mailbox storage", "mailbox reached maximum", "mailbox has reached",
        "mailbox would exceed", "mailbox is out of space", "mailbox is at", "mailbox capacity",
        "mail box full", "mail box * full", "mailfolder is full", "maildir is full", "maildir over",
        "maildir size exceed", "inbox is full", "inbox full", "inbox that you tried to reach is full",
        "folder is full", "mbox overflow", "box is full", "full mailbox", "maximum mailbox",
        "size of mailbox", "size of the mailbox", "no room in mailbox", "no space in mailbox",
        "no space left for this user", "no space left in mailbox", "not enough storage space in",
        "too full to accept", "user is full", "account is full", "account full", "account is over",
        "account exceeds", "account over", "account has exceeded", "account has reached",
        "account that you tried to reach is over", "user is over", "user over", "user has exceeded",
        "user has too many messages", "user storage full", "recipient storage full", "recipient over",
        "recipient is over", "recipient has exceeded", "has exceeded its",
        "exceeded * size limit on mailbox", "exceeded the size limit of the mailbox",
        "too many messages in the mailbox", "too many messages in mailbox", "too many messages on this",
        "too much mail data", "storage limit", "storage space exceeded", "storage is full",
        "storage allocation exceeded", "exceeded storage allocation", "exceeds storage allocation",
        "insufficient storage", "insufficient space", "out of storage", "no available space",
        "no storage space", "not enough space", "mailbox space", "is full, unable to deliver",
        "can't hold any more", "over the maximum allowed mailbox size",
        "exceeded the maximum allowed number of messages",
        "exceeded the maximum number of messages stored", "maximum number of messages in",
        "over the limit", "oversized mailbox", "reached their storage", "user's disk", "user disk space",
        "your message would exceed", "overdrawn his diskspace", "overdrawn their diskspace",
        "exceeded its storage", "has no space", "exceeded its allocation", "errormailboxfull",
        "mailboxfull",
    ]
        sample says("552 sorry, that recipient's mailbox is full (#5.2.2)");
    "mailbox-full-german" MailboxFull says [
        "postfach ist voll", "postfach voll", "postfach * voll", "postfach * überfüllt",
        "posteingang * voll", "mailbox ist voll", "mailbox * voll", "mailbox * überfüllt",
        "speicherplatz * erschöpft", "speicherplatz * überschritten", "speicherplatz * ueberschritten",
        "speicherplatz * aufgebraucht", "kein speicherplatz", "nicht genügend speicherplatz",
        "quota überschritten", "quota ist überschritten", "quota * überschritten", "kontingent",
        "hat das limit überschritten", "speicherlimit",
    ]
        sample says("Das Postfach des Empfängers ist voll.");
    "mailbox-full-romance" MailboxFull says [
        "superato la quota", "superato * quota", "boîte aux lettres * pleine",
        "boite aux lettres * pleine", "boîte * pleine", "boite * pleine", "boîte de réception * pleine",
        "messagerie * pleine", "quota dépassé", "quota atteint", "dépassement de quota",
        "espace * dépassé", "espace insuffisant", "saturée", "saturee", "buzón * lleno", "buzon * lleno",
        "casilla * llena", "bandeja de entrada * llena", "cuota excedida", "cuota * superada",
        "cuota * excedi", "ha superado * cuota", "excedió su cuota", "sin espacio", "espacio insuficiente",
        "casella * piena", "casella piena", "spazio esaurito", "spazio * esaurit", "quota superata",
        "posta * piena", "caixa * cheia", "caixa postal cheia", "caixa postal * cheia", "quota excedida",
        "cota excedida", "cota * excedida", "excedeu * quota", "excedeu * cota", "sem espaço",
        "espaço * insuficiente", "caixa de entrada * cheia", "bústia * plena",
    ]
        sample says("La boîte aux lettres du destinataire est pleine.");
    "mailbox-full-other" MailboxFull says [
        "postbus * vol", "mailbox is vol", "mailbox zit vol", "mailbox * vol|", "opslaglimiet",
        "postvak * vol|", "skrzynka * przepełn", "skrzynka * pełna", "skrzynka * zapełn",
        "przekroczon * limit", "brak miejsca", "przekroczono * pojemno", "ящик * переполнен",
        "ящик переполнен", "ящик заполнен", "ящик * полон", "превышена квота", "квота * превышена",
        "превышен * объем", "недостаточно места", "переповнен", "schránka * plná", "schránka je plná",
        "překročena kvóta", "kota aşıl", "kotası dol", "posta kutusu * dolu", "kutusu dolu", "kotasını aş",
        "postilaatikko * täynnä", "brevlåda * full", "inkorg * full", "postkasse * full",
        "postkassen * fuld", "megtelt", "căsuța * plină", "メールボックスがいっぱい", "メールボックスの容量", "メールボックスが満杯",
        "容量を超え", "容量が一杯", "容量がいっぱい", "容量オーバー", "保存容量", "邮箱已满", "邮箱满", "邮箱空间已满", "邮箱容量", "空间不足", "信箱已滿",
        "信箱已满", "信箱容量", "郵箱已滿", "空間不足", "超出配额", "超过配额", "메일함이 가득", "사서함이 가득", "편지함이 가득", "메일함 용량", "용량 초과",
        "용량이 초과", "용량을 초과",
    ]
        sample says("почтовый ящик получателя переполнен");
    "status-moved" HasMoved status [".1.6"]
        sample coded("5.1.6", "550 5.1.6 recipient no longer on server: neko@example.com");
    "mailbox-moved" HasMoved says [
        "has moved to", "has been moved to", "user has moved", "user moved", "recipient has moved",
        "mailbox has moved", "mailbox moved", "address has moved", "address has changed",
        "address was changed", "address changed to", "address has been changed", "new address is",
        "new address:", "new e-mail address is", "new email address is", "please use the new address",
        "please use the following new", "please use * instead", "has been replaced by",
        "is now reached at", "can now be reached at", "is no longer valid, please use",
        "no longer valid. please use", "not local; please try", "not local, please try", "not local; try",
        "has a new email address", "has a new e-mail address", "has changed * address to",
        "neue adresse lautet", "neue e-mail-adresse", "adresse hat sich geändert", "nouvelle adresse",
        "nueva dirección", "nuovo indirizzo", "novo endereço", "メールアドレスが変更", "メールアドレスを変更",
    ]
        sample says("550 neko has moved to another address: sabatora@example.org");
    "mailbox-closed-for-good" UserUnknown says [
        "account was deleted", "account has been deleted", "account deleted", "account is deleted",
        "account was removed", "account has been removed", "account has been closed", "account is closed",
        "account closed", "account was closed", "account terminated", "account has been terminated",
        "account is terminated", "account no longer", "account does not exist", "mailbox has been deleted",
        "mailbox deleted", "mailbox was deleted", "mailbox has been removed", "mailbox has been closed",
        "mailbox closed", "user deleted", "user has been deleted", "user was deleted",
        "user has been removed", "user is terminated", "user terminated", "user has left",
        "address has been deleted", "address was deleted", "address has been removed",
        "has been permanently deleted", "recipient has been deleted", "recipient has been removed",
    ]
        sample says("550 5.1.1 This account has been closed and is no longer in use");
    "mailbox-disabled" Suspended says [
        "mailbox disabled", "mailbox is disabled", "mailbox temporarily disabled",
        "mailbox has been disabled", "mailbox is temporarily disabled", "mailbox currently suspended",
        "mailbox is currently", "mailbox suspended", "mailbox is suspended", "mailbox * suspended",
        "mailbox * has been disabled", "mailbox is frozen", "mailbox frozen", "mailbox is inactive",
        "mailbox inactive", "mailbox * inactive", "mailbox is not active", "mailbox not active",
        "mailbox locked", "mailbox is locked", "mailbox is blocked", "mailbox blocked",
        "mailbox has been blocked", "mailbox expired", "mailbox has expired", "mailbox deactivated",
        "mailbox has been deactivated", "mailbox temporarily locked", "mailbox access disabled",
        "mailbox * disabled", "account disabled", "account is disabled", "account has been disabled",
        "account * is disabled", "account was disabled", "account that you tried to reach is disabled",
        "account that you tried to reach is inactive", "account suspended", "account is suspended",
        "account is temporarily suspended", "account * suspended", "account inactive",
        "account is inactive", "account is not active", "account not active",
        "account is currently inactive", "account * inactive", "account expired", "account has expired",
        "account is locked", "account locked", "account has been locked", "account * locked",
        "account deactivated", "account has been deactivated", "account is deactivated", "account blocked",
        "account is blocked", "account has been blocked", "account unpaid", "account is frozen",
        "account on hold", "account is on hold", "account is not yet active", "account not activated",
        "account is temporarily unavailable", "account is currently unavailable", "user is disabled",
        "user disabled", "user has been disabled", "user is temporarily disabled", "user suspended",
        "user is suspended", "user * suspended", "user is inactive", "user inactive", "user * inactive",
        "user is not active", "user not active", "user not activated", "user is locked", "user locked",
        "user * temporary locked", "user * temporarily locked", "user * is locked", "user is blocked",
        "user is not activated", "user deactivated", "user is deactivated", "user account is expired",
        "user is expired", "user hangup", "user is not allowed to receive", "user not allowed to receive",
        "not allowed to receive mail", "not permitted to receive", "email account * disabled",
        "email disabled", "e-mail disabled", "address disabled", "address is disabled",
        "address has been disabled", "address is inactive", "address inactive", "address is suspended",
        "address is not active", "address has been deactivated", "address is temporarily disabled",
        "address is no longer active", "addressee inactive", "recipient disabled", "recipient is disabled",
        "recipient is inactive", "recipient inactive", "recipient is suspended", "recipient suspend",
        "recipient * suspended", "recipient is not active", "recipient not active", "recipient is locked",
        "recipient is blocked from receiving", "disabled recipient", "disabled mailbox",
        "disabled account", "disabled user", "disabled or discontinued", "disabled or inactive",
        "inactive account", "inactive user", "inactive recipient", "inactive mailbox", "suspended account",
        "suspended mailbox", "deactivated mailbox", "deactivated account", "deactivated due to",
        "suspended due to", "disabled due to", "locked due to", "disabled for", "suspended for",
        "due to inactivity", "for inactivity", "due to extended inactivity", "not currently activated",
        "has been inactive", "for non-payment", "nonpayment", "not currently accepting messages",
        "not accepting messages", "is not accepting mail", "isn't accepting mail",
        "no longer accepts mail", "no longer accepting mail", "vacation status", "boxes are suspended",
        "domain * suspended", "domain is suspended", "domain * disabled", "domain is disabled",
        "domain is inactive", "domain is not active", "service suspended", "has been suspended",
        "is currently suspended", "has been frozen", "local mailbox * disabled",
        "storedrv.deliver:disabled", "mailboxdisabled", "inactive e-mail address", "dormant",
    ]
        sample coded("5.2.1", "550 5.2.1 The email account that you tried to reach is disabled.");
    "mailbox-disabled-other" Suspended says [
        "postfach ist gesperrt", "postfach gesperrt", "postfach * gesperrt", "postfach * deaktiviert",
        "postfach * inaktiv", "konto ist gesperrt", "konto * gesperrt", "konto * deaktiviert",
        "benutzer ist gesperrt", "benutzer gesperrt", "wurde deaktiviert", "ist deaktiviert",
        "compte * désactivé", "compte * suspendu", "compte inactif", "compte * inactif",
        "boîte * désactivée", "boite * desactivee", "adresse * désactivée", "cuenta * suspendida",
        "cuenta * desactivada", "cuenta * deshabilitada", "cuenta inactiva", "cuenta * bloqueada",
        "buzón * desactivado", "buzón * deshabilitado", "conta * suspensa", "conta * desativada",
        "conta * bloqueada", "conta inativa", "conta * inativa", "caixa postal * bloquead",
        "caixa postal * suspens", "account * sospeso", "casella * sospesa", "casella * disattivata",
        "casella * disabilitata", "casella * inattiva", "utente * sospeso", "utente * disabilitato",
        "account * geblokkeerd", "account * uitgeschakeld", "mailbox * uitgeschakeld",
        "konto * zablokowane", "konto * nieaktywne", "konto zablokowane", "skrzynka * zablokowana",
        "skrzynka * nieaktywna", "ящик * заблокирован", "ящик * неактив", "аккаунт * заблокирован",
        "пользователь заблокирован", "пользователь * заблокирован", "отключен", "деактивирован",
        "hesab * askıya", "hesap * askıya", "hesap * devre dışı", "hesabı * devre dışı", "účet * zablokov",
        "schránka * zablokov", "schránka * deaktiv", "利用停止", "停止されて", "ご利用になれません", "休止", "已被停用", "已停用",
        "已冻结", "被禁用", "已被冻结", "账号已注销", "휴면", "정지된", "사용이 중지",
    ]
        sample says("Ce compte a été désactivé");
};
