<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

namespace OPNsense\Hearth;

use OPNsense\Core\Backend;
use OPNsense\Core\Config;

/**
 * Asks the running agent, over configd.
 */
class Agent
{
    /** Bytes of a question: configd reads no more than 4096, and cuts what is longer. */
    private const QUESTION = 3900;

    /**
     * @param string $what a section `agent.*` of actions_hearth.conf
     * @param array $with its parameters
     * @param int $wait seconds
     * @return array the answer, or `error` with a sentence for people and `state`
     */
    public static function ask(string $what, array $with = [], int $wait = 30): array
    {
        $length = strlen($what) + 20;
        foreach ($with as $value) {
            $length += strlen(escapeshellarg($value)) + 1;
        }
        if ($length > self::QUESTION) {
            return [
                'error' => sprintf(gettext('This is too long: at most %d characters in all.'), self::QUESTION),
                'state' => 'refused',
            ];
        }
        $answer = json_decode((new Backend())->configdpRun('hearth agent ' . $what, $with, false, $wait), true);
        if (!is_array($answer)) {
            return [
                'error' => gettext('The firewall\'s backend (configd) gave no answer. Restart it on the console: ' .
                    'service configd restart.'),
                'state' => 'failed',
            ];
        }
        return ($answer['state'] ?? '') === 'stopped' ? self::absent() ?? $answer : $answer;
    }

    /**
     * @return array|null `error` with a sentence for people and `state`, where it is not to run here and now
     */
    public static function absent(): ?array
    {
        $enabled = Config::getInstance()->object()->OPNsense?->hearth?->general?->enabled;
        if ((string)$enabled !== '1') {
            return [
                'error' => gettext('The boot server is switched off. Choose interfaces in Settings, and switch it on.'),
                'state' => 'off',
            ];
        } elseif (is_file(Apply::STANDBY)) {
            return [
                'error' => gettext('This node is the backup of its CARP group, and serves once it is master.'),
                'state' => 'standby',
            ];
        }
        return null;
    }
}
