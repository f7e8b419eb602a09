"""The words nurture itself puts into emails, in the languages it speaks. Unknown text passes through."""

from __future__ import annotations

TURKISH = {
    "View in browser": "Tarayıcıda görüntüle",
    "Choose what you hear": "Neleri duymak istediğinizi seçin",
    "Preferences": "Tercihler",
    "Email preferences": "E-posta tercihleri",
    "Manage preferences": "Tercihleri yönet",
    "Unsubscribe": "Abonelikten çık",
    "Trade title": "Ticaret unvanı",
    "MERSIS number": "MERSİS numarası",
    "Tax number": "Vergi numarası",
    "Contact": "İletişim",
    "Contact us": "Bize ulaşın",
    "Hello": "Merhaba",
    "Thank you": "Teşekkürler",
}
CATALOGUE = {"tr": TURKISH}


def translate(text: str, locale: str) -> str:
    """`text` in the language of `locale` ("tr", "tr-TR"), or as it is where there is no other word for it."""
    return CATALOGUE.get(locale.replace("_", "-").split("-")[0].lower(), {}).get(text, text)
