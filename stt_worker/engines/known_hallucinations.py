"""Texts that Whisper writes for audio without speech: they end the subtitles of its training data, after the last word.

Collected by others: https://github.com/openai/whisper/discussions/928 and /2608, https://arxiv.org/abs/2501.11378, and
filters of public projects that use Whisper. Each line has the spelling that was seen; ``{name}`` and ``{year}`` differ.
"""

import re

from stt_worker.engines.text_key import text_key

CREDITS = """
Subtitles by the Amara.org community
Subtitles by SteamTeamExtra
Transcription by CastingWords
Transcript Emily Beynon
www.mooji.org
Untertitel der Amara.org-Community
Untertitelung aufgrund der Amara.org-Community
Untertitel im Auftrag des ZDF, {year}
Untertitel im Auftrag des ZDF für funk, {year}
Untertitelung im Auftrag des ZDF, {year}
Untertitelung im Auftrag des ZDF für funk, {year}
Untertitelung des ZDF, {year}
Untertitelung des ZDF für funk, {year}
Untertitel von Stephanie Geiges
Copyright WDR {year}
SWR {year}
Ondertitels ingediend door de Amara.org gemeenschap
Ondertiteld door de Amara.org gemeenschap
Ondertiteling door de Amara.org gemeenschap
Sous-titres réalisés par
Sous-titres réalisés par la communauté d'Amara.org
Sous-titres réalisés para la communauté d'Amara.org
Sous-titres réalisés pour la communauté d'Amara.org
Sous-titres réalisés par la communauté de l'Amara.org
Sous-titres réalisés par les SousTitres d'Amara.org
Sous-titres faits par la communauté d'Amara.org
Sous-titres fait par la communauté d'Amara.org
Sous-titres fait par Sous-titres par Amara.org
Sous-titres par la communauté d'Amara.org
Sous-titres par Amara.org
Sous-titres par l'Amara.org
Sous-titrage ST' 501
Sous-titrage Société Radio-Canada
❤️ par SousTitreur.com
Sottotitoli creati dalla comunità Amara.org
Sottotitoli di Sottotitoli di Amara.org
Sottotitoli e revisione al canale di Amara.org
Sottotitoli e revisione a cura di Amara.org
Sottotitoli e revisione a cura di QTSS
Sottotitoli a cura di QTSS
Subtítulos realizados por la comunidad de Amara.org
Subtítulos creados por la comunidad de Amara.org
Subtítulos hechos por la comunidad de Amara.org
Subtítulos por la comunidad de Amara.org
Subtítulos en español de Amara.org
Subtitulado por la comunidad de Amara.org
Más información www.alimmenta.com
Legendas pela comunidade Amara.org
Legendas pela comunidade de Amara.org
Legendas pela comunidade do Amara.org
Legendas pela comunidade das Amara.org
Transcrição e Legendas pela comunidade Amara.org
Transcrição e Legendas pela comunidade de Amara.org
Legenda Adriana Zanotto
Napisy stworzone przez społeczność Amara.org
Napisy stworzone przez społeczności Amara.org
Napisy wykonane przez społeczność Amara.org
Napisy robione przez społeczność Amara.org
Zdjęcia i napisy stworzone przez społeczność Amara.org
Tłumaczenie i napisy stworzone przez społeczność Amara.org
Tłumaczenie stworzone przez społeczność Amara.org
www.multi-moto.eu
Titulky vytvořil JohnyX
Titulky vytvořil JohnyX http://johnyxcz.blogspot.com
Teksting av Nicolai Winther
Undertekster av Ai-Media
Svensktextning.nu
Субтитры сделал DimaTorzok
Субтитры делал DimaTorzok
Субтитры создавал DimaTorzok
Субтитры добавил DimaTorzok
Субтитры подготовил DimaTorzok
Субтитры и перевод сделал DimaTorzok
Субтитры подогнал «Симон»
Редактор субтитров {name} Корректор {name}
Редактор субтитров {name} Коректор {name}
Субтитрувальниця Оля Шор
Altyazı M.K.
Çeviri ve Altyazı M.K.
ترجمة نانسي قنقر
Hãy subscribe cho kênh {name} Để không bỏ lỡ những video hấp dẫn
한글자막 by {name}
字幕由Amara.org社区提供
中文字幕由Amara.org社区提供
中文字幕由 Amara.org 社群提供
由 Amara.org 社群提供的字幕
小編字幕由Amara.org社區提供
字幕by索兰娅
字幕志愿者 {name}
中文字幕志愿者 {name}
請不吝點贊訂閱轉發打賞支持明鏡與點點欄目
请不吝点赞 订阅 转发 打赏支持明镜与点点栏目
明镜需要您的支持 欢迎订阅明镜
优优独播剧场——YoYo Television Series Exclusive
MING PAO CANADA // MING PAO TORONTO
""".strip().splitlines()
"""Lines that name the makers of subtitles, or advertise. People do not say them, so they are never shown."""
SIGN_OFFS = """
Thank you
Thanks
Thank you very much
Thank you for watching
Thanks for watching
Please subscribe
Subscribe
Like and subscribe
See you in the next video
See you next time
Bye
You
Music
Applause
Vielen Dank
Vielen Dank fürs Zuschauen
Bedankt voor het kijken
Merci d'avoir regardé cette vidéo
Grazie per aver guardato il video
Gracias por ver el video
¡Gracias por ver el vídeo!
Obrigado por assistir
Dziękuję za uwagę
Dziękuję za obejrzenie
Děkuji za pozornost
Takk for at du så på
Tack för att du tittade
Продолжение следует...
Спасибо за просмотр
Спасибо за внимание
Дякую за перегляд
Abone olmayı unutmayın
Yorumlarınızıza abone olmayı unutmayın
İzlediğiniz için teşekkür ederim
İzlediğiniz için teşekkürler
اشتركوا في القناة
شكرا للمشاهدة
شكرا على المشاهدة
Terima kasih telah menonton
Cảm ơn các bạn đã theo dõi
Hẹn gặp lại các bạn
감사합니다
시청해 주셔서 감사합니다
구독과 좋아요 부탁드립니다
다음 영상에서 만나요
MBC 뉴스 {name}입니다
ありがとうございました
ご視聴ありがとうございました
ご清聴ありがとうございました
おやすみなさい
次の動画でお会いしましょう
感谢观看
謝謝觀看
""".strip().splitlines()
"""Last words of videos. People say them too, so they are shown if speech and text are certain."""


def is_credit(text: str) -> bool:
    """True for a text that consists of credits, once or several times, or has no letter or digit at all."""
    key = text_key(text)
    return not key or _CREDITS.fullmatch(key) is not None


def is_sign_off(text: str) -> bool:
    """True for a text that consists of lines of ``SIGN_OFFS``, one or several in a row."""
    return _SIGN_OFFS.fullmatch(text_key(text)) is not None


def _any_of(lines: list[str]) -> str:
    """Return an expression that matches the key of any of the lines."""
    parts = [re.split(r"(\{\w+\})", line) for line in lines]
    begins = "|".join(re.escape(text_key(line[0])) for line in parts if len(line) > 1)
    # No line begins within a gap. Otherwise lines in a row could be read in exponentially many ways.
    gaps = {"{name}": rf"(?:(?!{begins})\w){{2,16}}", "{year}": r"(?:19|20)\d\d"}
    return "|".join("".join(gaps.get(part) or re.escape(text_key(part)) for part in line) for line in parts)


_CREDITS = re.compile(f"(?:{_any_of(CREDITS)})+")
_SIGN_OFFS = re.compile(f"(?:{_any_of(SIGN_OFFS)})+")
