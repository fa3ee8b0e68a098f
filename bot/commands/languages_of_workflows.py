"""What admins do with workflows, in other languages; see `languages`."""

from __future__ import annotations

from collections.abc import Mapping

SENTENCES: Mapping[str, tuple[str, str, str, str]] = {
    "Make a command of what ComfyUI ran, or of a file": (
        "Einen Befehl aus einem Lauf von ComfyUI oder einer Datei machen",
        "Faire une commande de ce que ComfyUI a exécuté, ou d'un fichier",
        "Hacer un comando de lo que ejecutó ComfyUI o de un archivo",
        "ComfyUI の実行結果やファイルからコマンドを作る",
    ),
    "Change a workflow": (
        "Einen Workflow ändern",
        "Modifier un workflow",
        "Cambiar un flujo",
        "ワークフローを変更する",
    ),
    "Change a draft: its name, options, roles": (
        "Einen Entwurf ändern: Name, Optionen, Rollen",
        "Modifier un brouillon : nom, options, rôles",
        "Cambiar un borrador: nombre, opciones, funciones",
        "下書きの名前・項目・役割を変更する",
    ),
    "Run a draft once, with the pictures that are attached": (
        "Einen Entwurf einmal ausführen, mit den angehängten Bildern",
        "Exécuter un brouillon une fois, avec les images jointes",
        "Ejecutar un borrador una vez, con las imágenes adjuntas",
        "添付した画像で下書きを一度実行する",
    ),
    "Let everybody use a draft": (
        "Einen Entwurf für alle freigeben",
        "Publier un brouillon pour tous",
        "Publicar un borrador para todos",
        "下書きを全員に公開する",
    ),
    "Every workflow, and where it comes from": (
        "Alle Workflows und woher sie kommen",
        "Tous les workflows, et d'où ils viennent",
        "Todos los flujos y de dónde vienen",
        "すべてのワークフローとその出所",
    ),
    "What a workflow takes, and what servers lack": (
        "Was ein Workflow nimmt und was den Servern fehlt",
        "Ce que prend un workflow, et ce qui manque aux serveurs",
        "Qué toma un flujo y qué falta a los servidores",
        "ワークフローの項目とサーバーに足りないもの",
    ),
    "What changed between two versions": (
        "Was sich zwischen zwei Versionen geändert hat",
        "Ce qui a changé entre deux versions",
        "Qué cambió entre dos versiones",
        "二つの版の違い",
    ),
    "Use an older version of a workflow": (
        "Eine ältere Version eines Workflows verwenden",
        "Utiliser une version plus ancienne d'un workflow",
        "Usar una versión anterior de un flujo",
        "ワークフローを前の版に戻す",
    ),
    "Let nobody use a workflow": (
        "Einen Workflow abschalten",
        "Désactiver un workflow",
        "Desactivar un flujo",
        "ワークフローを無効にする",
    ),
    "Let people use a workflow again": (
        "Einen Workflow wieder einschalten",
        "Réactiver un workflow",
        "Volver a activar un flujo",
        "ワークフローを再び有効にする",
    ),
    "The files of a workflow": (
        "Die Dateien eines Workflows",
        "Les fichiers d'un workflow",
        "Los archivos de un flujo",
        "ワークフローのファイル",
    ),
}
