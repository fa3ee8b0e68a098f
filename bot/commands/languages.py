"""Names and descriptions of what people type, in other languages.

Names go by the English name, descriptions by the English sentence: an owner's own words are never replaced by
others. A name that is missing in a language is the same there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

from bot.commands import languages_of_admins as admins
from bot.commands import languages_of_workflows as workflows
from bot.contract.values import Command, Menu, ParameterSpec, Words

LANGUAGES = ("de", "fr", "es", "ja")

Translations = Mapping[str, tuple[str, str, str, str]]
"""In the order of `LANGUAGES`."""

COMMANDS: Translations = {
    "imagine": ("bild", "imaginer", "imaginar", "画像生成"),
    "img2img": ("bild-aus-bild", "image-vers-image", "imagen-a-imagen", "画像から画像"),
    "edit": ("bearbeiten", "modifier", "editar", "編集"),
    "animate": ("animieren", "animer", "animar", "動画化"),
    "upscale": ("vergrößern", "agrandir", "ampliar", "拡大"),
    "vary": ("variieren", "varier", "variar", "バリエーション"),
    "inpaint": ("ausbessern", "retoucher", "retocar", "部分修正"),
    "music": ("musik", "musique", "música", "音楽"),
    "describe": ("beschreiben", "décrire", "describir", "説明"),
    "allow": ("zulassen", "autoriser", "permitir", "許可"),
    "forbid": ("ausschließen", "exclure", "excluir", "禁止"),
    "quota": ("kontingent", "quota", "cuota", "割り当て"),
    "level": ("stufe", "niveau", "nivel", "レベル"),
    "ban": ("sperren", "bannir", "bloquear", "禁止する"),
    "unban": ("entsperren", "débannir", "desbloquear", "禁止解除"),
    "place": ("ort", "lieu", "lugar", "場所"),
    "queue": ("warteschlange", "file", "cola", "待ち行列"),
    "help": ("hilfe", "aide", "ayuda", "ヘルプ"),
}

PARAMETERS: Translations = {
    "prompt": ("prompt", "prompt", "prompt", "プロンプト"),
    "negative": ("negativ", "négatif", "negativo", "ネガティブ"),
    "width": ("breite", "largeur", "ancho", "幅"),
    "height": ("höhe", "hauteur", "alto", "高さ"),
    "steps": ("schritte", "étapes", "pasos", "ステップ数"),
    "seed": ("seed", "graine", "semilla", "シード"),
    "count": ("anzahl", "nombre", "cantidad", "枚数"),
    "model": ("modell", "modèle", "modelo", "モデル"),
    "sampler": ("sampler", "échantillonneur", "sampler", "サンプラー"),
    "scheduler": ("scheduler", "planificateur", "scheduler", "スケジューラー"),
    "image": ("bild", "image", "imagen", "画像"),
    "strength": ("stärke", "intensité", "intensidad", "強さ"),
    "frames": ("einzelbilder", "images", "fotogramas", "フレーム数"),
    "person": ("person", "personne", "persona", "相手"),
    "level": ("stufe", "niveau", "nivel", "レベル"),
    "for": ("für", "pendant", "durante", "期間"),
    "reason": ("grund", "raison", "motivo", "理由"),
    "running": ("laufende", "en-cours", "en-curso", "実行中"),
    "place": ("ort", "lieu", "lugar", "場所"),
    "allowed": ("erlaubt", "autorisé", "permitido", "許可"),
    "workflows": ("workflows", "workflows", "workflows", "ワークフロー"),
    "age_restricted": ("ab-18", "réservé-aux-adultes", "solo-adultos", "成人限定"),
    "private": ("privat", "privé", "privado", "非公開"),
    "spoiler": ("spoiler", "spoiler", "spoiler", "ネタバレ"),
}

MENUS: Translations = {
    "Edit": ("Bearbeiten", "Modifier", "Editar", "編集"),
    "Use as input": ("Als Vorlage nehmen", "Utiliser comme source", "Usar como base", "元画像にする"),
    "Animate": ("Animieren", "Animer", "Animar", "動画化"),
    "Info": ("Info", "Infos", "Información", "情報"),
}

SENTENCES: Translations = {
    "A picture from words": (
        "Ein Bild aus Worten",
        "Une image à partir de mots",
        "Una imagen a partir de palabras",
        "言葉から画像を作る",
    ),
    "Change a picture by words": (
        "Ein Bild durch Worte ändern",
        "Modifier une image par des mots",
        "Cambiar una imagen con palabras",
        "言葉で画像を変える",
    ),
    "Another picture like this one": (
        "Noch ein Bild wie dieses",
        "Une autre image comme celle-ci",
        "Otra imagen como esta",
        "似た画像をもう一枚作る",
    ),
    "A film from a picture": (
        "Ein Film aus einem Bild",
        "Un film à partir d'une image",
        "Un vídeo a partir de una imagen",
        "画像から動画を作る",
    ),
    "A larger picture": (
        "Ein größeres Bild",
        "Une image plus grande",
        "Una imagen más grande",
        "画像を大きくする",
    ),
    "Replace a part of a picture": (
        "Einen Teil eines Bildes ersetzen",
        "Remplacer une partie d'une image",
        "Reemplazar una parte de una imagen",
        "画像の一部を置き換える",
    ),
    "What a picture shows, in words": (
        "Was ein Bild zeigt, in Worten",
        "Ce que montre une image, en mots",
        "Lo que muestra una imagen, en palabras",
        "画像の内容を言葉にする",
    ),
    "Music from words": (
        "Musik aus Worten",
        "De la musique à partir de mots",
        "Música a partir de palabras",
        "言葉から音楽を作る",
    ),
    "A new picture from one you send or reply to": (
        "Ein neues Bild aus einem, das du schickst oder auf das du antwortest",
        "Une nouvelle image à partir de celle que tu envoies ou à laquelle tu réponds",
        "Una imagen nueva a partir de la que envías o a la que respondes",
        "送った画像や返信先の画像から新しい画像を作る",
    ),
    "How many pictures wait, and whether ComfyUI answers": (
        "Wie viele Bilder warten und ob ComfyUI antwortet",
        "Combien d'images attendent, et si ComfyUI répond",
        "Cuántas imágenes esperan y si ComfyUI responde",
        "待っている画像の数と ComfyUI の状態",
    ),
    "What can be asked for": (
        "Was man verlangen kann",
        "Ce qu'on peut demander",
        "Qué se puede pedir",
        "できることの一覧",
    ),
    "Let a person or a chat in": (
        "Eine Person oder einen Chat zulassen",
        "Laisser entrer une personne ou une discussion",
        "Dejar entrar a una persona o un chat",
        "人またはチャットの利用を許可する",
    ),
    "Let a person or a chat in no longer": (
        "Eine Person oder einen Chat nicht mehr zulassen",
        "Ne plus laisser entrer une personne ou une discussion",
        "No dejar entrar más a una persona o un chat",
        "人またはチャットの許可を取り消す",
    ),
    "What you have used of the GPUs today, and what is left": (
        "Was du heute von den GPUs verbraucht hast und was übrig ist",
        "Ce que tu as utilisé des GPU aujourd'hui, et ce qui reste",
        "Lo que has usado hoy de las GPU y lo que queda",
        "今日の GPU 使用量と残り",
    ),
    "See or set how far a person is trusted": (
        "Sehen oder festlegen, wie weit einer Person vertraut wird",
        "Voir ou fixer la confiance accordée à une personne",
        "Ver o fijar cuánto se confía en una persona",
        "相手の信頼レベルを見る・決める",
    ),
    "Block a person, for a while or for good": (
        "Eine Person sperren, auf Zeit oder für immer",
        "Bloquer une personne, pour un temps ou pour toujours",
        "Bloquear a una persona, por un tiempo o para siempre",
        "相手を一定期間または無期限に禁止する",
    ),
    "Lift a ban": ("Eine Sperre aufheben", "Lever un bannissement", "Levantar un bloqueo", "禁止を解く"),
    "See or set what runs in a place": (
        "Sehen oder festlegen, was an einem Ort läuft",
        "Voir ou fixer ce qui tourne dans un lieu",
        "Ver o fijar qué funciona en un lugar",
        "その場所で使えるものを見る・決める",
    ),
    "Their id or name; or answer one of their pictures": (
        "Ihre Id oder ihr Name; oder antworte auf eines ihrer Bilder",
        "Son id ou son nom ; ou réponds à une de ses images",
        "Su id o su nombre; o responde a una de sus imágenes",
        "ID か名前。または相手の画像に返信する",
    ),
    "How far they are trusted": (
        "Wie weit ihnen vertraut wird",
        "La confiance qui leur est accordée",
        "Cuánto se confía en ella",
        "信頼の度合い",
    ),
    "How long, as in 30m, 12h, 3d or 2w": (
        "Wie lange, etwa 30m, 12h, 3d oder 2w",
        "Combien de temps, par exemple 30m, 12h, 3d ou 2w",
        "Cuánto tiempo, como 30m, 12h, 3d o 2w",
        "期間。30m、12h、3d、2w のように",
    ),
    "Why; they are told": (
        "Warum; es wird ihnen gesagt",
        "Pourquoi ; la personne le saura",
        "Por qué; se le dirá",
        "理由。本人に伝えられる",
    ),
    "End what runs too, not only what waits": (
        "Auch beenden, was läuft, nicht nur, was wartet",
        "Arrêter aussi ce qui tourne, pas seulement ce qui attend",
        "Terminar también lo que está en curso, no solo lo que espera",
        "待機中だけでなく実行中のものも止める",
    ),
    "Its id; without one it is this place": (
        "Seine Id; ohne sie dieser Ort",
        "Son id ; sans elle, ce lieu-ci",
        "Su id; sin ella, este lugar",
        "場所の ID。なければここ",
    ),
    "Whether pictures may be made there": (
        "Ob dort Bilder gemacht werden dürfen",
        "Si on peut y faire des images",
        "Si allí se pueden hacer imágenes",
        "そこで画像を作ってよいか",
    ),
    "The commands that run there, with commas between them; or all": (
        "Die Befehle, die dort laufen, mit Kommas dazwischen; oder all",
        "Les commandes qui y tournent, séparées par des virgules ; ou all",
        "Los comandos que funcionan allí, separados por comas; o all",
        "そこで使えるコマンド (コンマ区切り)。すべてなら all",
    ),
    "Whether only adults are there": (
        "Ob dort nur Erwachsene sind",
        "S'il n'y a là que des adultes",
        "Si allí solo hay adultos",
        "成人だけの場所か",
    ),
    "What the picture shows": (
        "Was das Bild zeigt",
        "Ce que montre l'image",
        "Qué muestra la imagen",
        "画像に描くもの",
    ),
    "What the new picture shows": (
        "Was das neue Bild zeigt",
        "Ce que montre la nouvelle image",
        "Qué muestra la imagen nueva",
        "新しい画像に描くもの",
    ),
    "What it should not show": (
        "Was es nicht zeigen soll",
        "Ce qu'elle ne doit pas montrer",
        "Qué no debe mostrar",
        "描かないもの",
    ),
    "The picture to start from": (
        "Das Bild, von dem ausgegangen wird",
        "L'image de départ",
        "La imagen de partida",
        "元になる画像",
    ),
    "How much may change: 0 nothing, 1 all": (
        "Wie viel sich ändern darf: 0 nichts, 1 alles",
        "Ce qui peut changer : 0 rien, 1 tout",
        "Cuánto puede cambiar: 0 nada, 1 todo",
        "変えてよい度合い: 0 は変えない、1 はすべて",
    ),
    "In pixels": ("In Pixeln", "En pixels", "En píxeles", "ピクセル"),
    "Sampling steps: more is slower and finer": (
        "Rechenschritte: mehr ist langsamer und feiner",
        "Étapes de calcul : plus il y en a, plus c'est lent et fin",
        "Pasos de cálculo: más es más lento y más fino",
        "サンプリング回数: 多いほど遅く、細かい",
    ),
    "How closely to follow the prompt": (
        "Wie genau dem Prompt gefolgt wird",
        "À quel point suivre le prompt",
        "Con qué fidelidad se sigue el prompt",
        "プロンプトにどれだけ従うか",
    ),
    "The same seed and values give the same picture": (
        "Gleicher Seed und gleiche Werte geben das gleiche Bild",
        "La même graine et les mêmes valeurs donnent la même image",
        "La misma semilla y los mismos valores dan la misma imagen",
        "同じシードと値からは同じ画像ができる",
    ),
    "How many pictures": ("Wie viele Bilder", "Combien d'images", "Cuántas imágenes", "画像の数"),
    "Only you see it": ("Nur du siehst es", "Toi seul le vois", "Solo tú lo ves", "あなただけに見える"),
    "Hide the pictures until somebody looks": (
        "Die Bilder verbergen, bis jemand hinsieht",
        "Masquer les images jusqu'à ce qu'on regarde",
        "Ocultar las imágenes hasta que alguien mire",
        "見るまで画像を隠す",
    ),
}


def in_languages(command: Command) -> Command:
    """The command with what is known of it in other languages."""
    return replace(
        command,
        words=_of_command(command.name, command.description),
        parameters=tuple(parameter_in_languages(spec) for spec in command.parameters),
    )


def parameter_in_languages(spec: ParameterSpec) -> ParameterSpec:
    """The same of a parameter."""
    return replace(spec, words=_of_parameter(spec.name, spec.description))


def menu_in_languages(menu: Menu) -> Menu:
    """The same of a menu's entry, which has no description."""
    return replace(menu, words=_words(MENUS, menu.title, ""))


@cache
def _of_command(name: str, description: str) -> Mapping[str, Words]:
    return _words({**COMMANDS, **admins.COMMANDS}, name, description)


@cache
def _of_parameter(name: str, description: str) -> Mapping[str, Words]:
    return _words({**PARAMETERS, **admins.PARAMETERS}, name, description)


def _words(names: Translations, name: str, description: str) -> Mapping[str, Words]:
    """By language; only those in which anything is known."""
    called, said = names.get(name), {**SENTENCES, **admins.SENTENCES, **workflows.SENTENCES}.get(description)
    if called is None and said is None:
        return {}
    return {
        language: Words(
            name=name if called is None else called[place], description=None if said is None else said[place]
        )
        for place, language in enumerate(LANGUAGES)
    }
