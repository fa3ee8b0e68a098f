"""What admins type, in other languages; see `languages`."""

from __future__ import annotations

from collections.abc import Mapping

Translations = Mapping[str, tuple[str, str, str, str]]

COMMANDS: Translations = {
    "pause": ("anhalten", "suspendre", "pausar", "一時停止"),
    "resume": ("fortsetzen", "reprendre", "reanudar", "再開"),
    "cancel-job": ("auftrag-abbrechen", "annuler-tâche", "cancelar-trabajo", "ジョブ中止"),
    "clear": ("leeren", "vider", "vaciar", "全消去"),
    "front": ("vorziehen", "devant", "al-frente", "先頭へ"),
    "drain": ("auslaufen-lassen", "vidanger", "dejar-terminar", "受付停止"),
    "restore": ("wieder-aufnehmen", "rétablir", "restablecer", "受付再開"),
    "backend add": ("hinzufügen", "ajouter", "añadir", "追加"),
    "backend remove": ("entfernen", "retirer", "quitar", "削除"),
    "gpu back": ("zurück", "rendre", "devolver", "返却"),
    "gpu take": ("nehmen", "reprendre", "tomar", "使用"),
    "limits": ("grenzen", "limites", "límites", "上限"),
    "stats": ("statistik", "statistiques", "estadísticas", "統計"),
    "audit": ("änderungen", "journal", "cambios", "変更履歴"),
}

PARAMETERS: Translations = {
    "server": ("server", "serveur", "servidor", "サーバー"),
    "id": ("id", "id", "id", "id"),
    "person": ("person", "personne", "persona", "人"),
    "url": ("url", "url", "url", "url"),
    "how": ("wie", "comment", "cómo", "方法"),
    "value": ("wert", "valeur", "valor", "値"),
    "limit": ("grenze", "limite", "límite", "項目"),
}

SENTENCES: Translations = {
    "Begin nothing that waits, anywhere or at one server": (
        "Nichts beginnen, was wartet, nirgends oder an einem Server",
        "Ne rien commencer de ce qui attend, partout ou sur un serveur",
        "No empezar nada de lo que espera, en todos o en un servidor",
        "待っているものを始めない (全体または一台)",
    ),
    "Go on after /pause": (
        "Nach /pause weitermachen",
        "Continuer après /pause",
        "Seguir después de /pause",
        "/pause のあとで再開する",
    ),
    "Cancel anybody's job": (
        "Irgendjemandes Auftrag abbrechen",
        "Annuler la tâche de n'importe qui",
        "Cancelar el trabajo de cualquiera",
        "誰のジョブでも中止する",
    ),
    "Cancel all jobs of a person that wait": (
        "Alle wartenden Aufträge einer Person abbrechen",
        "Annuler toutes les tâches en attente d'une personne",
        "Cancelar todos los trabajos en espera de una persona",
        "ある人の待っているジョブをすべて中止する",
    ),
    "Have a job taken before all others": (
        "Einen Auftrag vor allen anderen drannehmen",
        "Faire passer une tâche avant toutes les autres",
        "Poner un trabajo por delante de todos",
        "ジョブをほかのすべてより先にする",
    ),
    "Have a server finish what it runs and take no more": (
        "Einen Server beenden lassen, was läuft, und nichts mehr geben",
        "Laisser un serveur finir et ne plus rien lui donner",
        "Dejar que un servidor termine y no darle más",
        "サーバーに実行中のものを終えさせ、新しく渡さない",
    ),
    "Have a drained server work again": (
        "Einen ausgelaufenen Server wieder arbeiten lassen",
        "Remettre au travail un serveur vidangé",
        "Volver a usar un servidor vaciado",
        "止めたサーバーをまた使う",
    ),
    "Work with another ComfyUI server from now on": (
        "Ab jetzt mit einem weiteren ComfyUI-Server arbeiten",
        "Travailler désormais avec un autre serveur ComfyUI",
        "Trabajar desde ahora con otro servidor ComfyUI",
        "これから別の ComfyUI サーバーも使う",
    ),
    "Work with an added server no longer": (
        "Mit einem hinzugefügten Server nicht mehr arbeiten",
        "Ne plus travailler avec un serveur ajouté",
        "Dejar de trabajar con un servidor añadido",
        "追加したサーバーを使うのをやめる",
    ),
    "Give the GPU back to its owner, its memory freed": (
        "Die GPU ihrem Besitzer zurückgeben, den Speicher frei",
        "Rendre le GPU à son propriétaire, mémoire libérée",
        "Devolver la GPU a su dueño, con la memoria libre",
        "GPU を持ち主に返し、メモリを空ける",
    ),
    "Take the GPU again after /gpu back, or against its hours": (
        "Die GPU nach /gpu back oder gegen ihre Zeiten wieder nehmen",
        "Reprendre le GPU après /gpu back, ou hors de ses heures",
        "Volver a tomar la GPU tras /gpu back o fuera de sus horas",
        "/gpu back のあと、または時間外に GPU をまた使う",
    ),
    "Show or set how much people may have": (
        "Zeigen oder setzen, wie viel jeder haben darf",
        "Montrer ou fixer ce que chacun peut avoir",
        "Mostrar o fijar cuánto puede tener cada uno",
        "一人あたりの上限を見る、または決める",
    ),
    "What was made lately: by day, person and workflow": (
        "Was zuletzt gemacht wurde: nach Tag, Person und Workflow",
        "Ce qui a été fait : par jour, personne et workflow",
        "Lo hecho últimamente: por día, persona y workflow",
        "最近作られたもの (日、人、ワークフローごと)",
    ),
    "What admins have changed": (
        "Was Admins geändert haben",
        "Ce que les admins ont changé",
        "Lo que han cambiado los admins",
        "管理者が変えたこと",
    ),
}
