<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

namespace OPNsense\Hearth;

/**
 * The scripts and the style sheet of our pages, as URLs that change with their content: the core's own mark
 * of a version changes with the core alone, and browsers would go on with what was there before an update.
 */
class Modules
{
    private const WWW = '/usr/local/opnsense/www';

    /**
     * Hands them to a page: `imports` is an import map, so that modules find each other's version.
     */
    public static function give($view): void
    {
        $imports = [];
        foreach (glob(self::WWW . '/js/hearth/*.js') ?: [] as $path) {
            $url = '/ui/js/hearth/' . basename($path);
            $imports[$url] = $url . self::mark($path);
        }
        $view->imports = json_encode(['imports' => $imports], JSON_UNESCAPED_SLASHES);
        $view->style = '/ui/css/hearth.css' . self::mark(self::WWW . '/css/hearth.css');
    }

    private static function mark(string $path): string
    {
        return '?v=' . substr((string)md5_file($path), 0, 12);
    }
}
