"""What the public pages say, in the languages nurture speaks."""

from __future__ import annotations

from collections.abc import Mapping

ENGLISH: Mapping[str, str] = {
    "language": "en",
    "missing_title": "Nothing here",
    "missing_text": "This link is not complete, or not one of ours. Please open it from the email again.",
    "gone_title": "No longer kept",
    "gone_text": "We do not keep this email any more. What you have in your mailbox is all there is.",
    "unsubscribe_title": "Unsubscribe?",
    "unsubscribe_text": "{project} will send no more emails to {address}.",
    "unsubscribe_button": "Unsubscribe",
    "unsubscribe_instead": "Choose what you hear instead",
    "done_title": "You are unsubscribed",
    "done_text": "{project} sends no more emails to {address}.",
    "preferences_title": "What would you like to hear?",
    "preferences_text": "Emails from {project} to {address}.",
    "always": "Always on, as long as you order from us",
    "measure_title": "Measure what I open and click",
    "measure_text": "It helps us to send less of what nobody reads. Without it, our emails carry no pixel and "
    "plain links.",
    "save": "Save",
    "saved": "Saved.",
    "all_title": "No emails at all",
    "all_button": "Unsubscribe from everything",
    "orders": "Only what concerns your orders still comes.",
    "stopped_text": "You get no more emails from us. To hear from us again, write to {reply_to}.",
    "again_text": "You get no more emails from us. To hear from us again, choose what, and press the button.",
    "again_button": "Subscribe again",
    "again_done": "You are subscribed again.",
    "again_none": "Nothing is ticked, so nothing was changed.",
    "again_link": "Changed your mind?",
    "confirm_title": "Would you like to hear from us?",
    "confirm_text": "{project} may write to {address} about:",
    "confirm_button": "Yes, I would",
    "confirm_instead": "Choose something else",
    "confirmed_title": "Thank you",
    "confirmed_text": "{project} writes to {address} from now on. You can change your mind in every email.",
    "busy_title": "Not saved",
    "busy_text": "We could not save that just now. Please try again in a minute.",
}

TURKISH: Mapping[str, str] = {
    "language": "tr",
    "missing_title": "Burada bir şey yok",
    "missing_text": "Bu bağlantı eksik ya da bize ait değil. Lütfen e-postadan yeniden açın.",
    "gone_title": "Artık saklanmıyor",
    "gone_text": "Bu e-postayı artık saklamıyoruz. Posta kutunuzdaki kopya tek kopyadır.",
    "unsubscribe_title": "Abonelikten çıkılsın mı?",
    "unsubscribe_text": "{project}, {address} adresine artık e-posta göndermeyecek.",
    "unsubscribe_button": "Abonelikten çık",
    "unsubscribe_instead": "Bunun yerine neleri duymak istediğimi seçeyim",
    "done_title": "Abonelikten çıktınız",
    "done_text": "{project}, {address} adresine artık e-posta göndermiyor.",
    "preferences_title": "Neleri duymak istersiniz?",
    "preferences_text": "{project} tarafından {address} adresine gönderilen e-postalar.",
    "always": "Bizden alışveriş yaptığınız sürece her zaman açık",
    "measure_title": "Açtıklarım ve tıkladıklarım ölçülsün",
    "measure_text": "Kimsenin okumadığı e-postaları azaltmamıza yardımcı olur. Kapalıyken e-postalarımızda piksel "
    "bulunmaz, bağlantılar olduğu gibi kalır.",
    "save": "Kaydet",
    "saved": "Kaydedildi.",
    "all_title": "Hiç e-posta istemiyorum",
    "all_button": "Tüm e-postalardan çık",
    "orders": "Yalnızca siparişlerinizle ilgili e-postalar gelmeye devam eder.",
    "stopped_text": "Size artık e-posta göndermiyoruz. Bizden yeniden haber almak için {reply_to} adresine yazın.",
    "again_text": "Size artık e-posta göndermiyoruz. Bizden yeniden haber almak isterseniz konuları seçip düğmeye "
    "basın.",
    "again_button": "Yeniden abone ol",
    "again_done": "Yeniden abone oldunuz.",
    "again_none": "Hiçbir konu seçilmedi, hiçbir şey değişmedi.",
    "again_link": "Fikriniz mi değişti?",
    "confirm_title": "Bizden haber almak ister misiniz?",
    "confirm_text": "{project}, {address} adresine şu konularda yazabilir:",
    "confirm_button": "Evet, isterim",
    "confirm_instead": "Başka konuları seçeyim",
    "confirmed_title": "Teşekkürler",
    "confirmed_text": "{project} bundan böyle {address} adresine yazacak. Fikrinizi her e-postada değiştirebilirsiniz.",
    "busy_title": "Kaydedilemedi",
    "busy_text": "Şu anda kaydedemedik. Lütfen bir dakika sonra yeniden deneyin.",
}

LANGUAGES = {"en": ENGLISH, "tr": TURKISH}


def words(*locales: str | None) -> Mapping[str, str]:
    """The words of the first locale that is spoken here ("tr", "tr-TR"); English where none is."""
    for locale in locales:
        language = (locale or "").replace("_", "-").partition("-")[0].lower()
        if language in LANGUAGES:
            return LANGUAGES[language]
    return ENGLISH
