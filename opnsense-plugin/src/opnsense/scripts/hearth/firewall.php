#!/usr/local/bin/php
<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

/* Which of the firewall rules that hearth.inc makes are loaded; JSON: filter (false: it is off), loaded, missing. */

require_once('script/load_phalcon.php');
require_once('config.inc');
require_once('util.inc');
require_once('interfaces.inc');
require_once('plugins.inc.d/hearth.inc');

use OPNsense\Core\Shell;

/* what filter.inc wrote for pf: the core names a rule by a label, and its description stands behind */
const GENERATED = '/tmp/rules.debug';

/* takes the place of the core's own, which the rules are given to */
$wanted = new class {
    public array $rules = [];
    public function registerFilterRule($priority, $rule, $defaults = null)
    {
        $this->rules[] = $rule;
    }
};
hearth_firewall($wanted);

$told = Shell::shell_safe('/sbin/pfctl -si 2> /dev/null');
$loaded = Shell::shell_safe('/sbin/pfctl -sr 2> /dev/null');
$lines = preg_grep('/ # allow .*network boot/', file(GENERATED, FILE_IGNORE_NEW_LINES) ?: []);
$answer = ['filter' => strpos($told, 'Status: Disabled') === false, 'loaded' => 0, 'missing' => []];
foreach ($wanted->rules as $rule) {
    $device = preg_quote(get_real_interface($rule['interface']), '/');
    $port = preg_quote($rule['to_port'], '/');
    $family = $rule['ipprotocol'];
    $text = preg_quote($rule['descr'], '/');
    $is = "/ on {$device} {$family} .* port \{?{$port}\}? .*label \"([^\"]+)\".* # {$text}\$/";
    $labels = preg_filter($is, '$1', array_map(fn($line) => strstr($line, ' on '), $lines));
    if (array_filter($labels, fn($label) => strpos($loaded, "\"{$label}\"") !== false)) {
        $answer['loaded'] += 1;
    } else {
        $answer['missing'][] = sprintf(
            '%s, %s %s',
            convert_friendly_interface_to_friendly_descr($rule['interface']),
            strtoupper($rule['protocol']),
            $rule['to_port']
        );
    }
}
$answer['missing'] = array_values(array_unique($answer['missing']));
echo json_encode($answer, JSON_INVALID_UTF8_SUBSTITUTE) . PHP_EOL;
