<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

namespace OPNsense\Hearth\Dhcp;

use OPNsense\Core\Config;

/**
 * Carries changes out: over the models of Kea and Dnsmasq, which check them, and for ISC dhcpd and
 * os-tftp, whose pages write config.xml themselves or need no check, in config.xml.
 */
class Writer
{
    /** Where each server's settings are, below the root of config.xml. */
    public const PATHS = ['kea' => 'OPNsense/Kea/dhcp4', 'dnsmasq' => 'dnsmasq', 'tftp' => 'OPNsense/tftp'];

    private const MODELS = ['kea' => '\OPNsense\Kea\KeaDhcpv4', 'dnsmasq' => '\OPNsense\Dnsmasq\Dnsmasq'];

    /**
     * Changes the configuration in memory; it is not saved here.
     * @param string $server of Plan::SERVERS, or `tftp`
     * @param array $changes what to do
     * @throws \OPNsense\Base\ValidationException when the model refuses a value
     */
    public static function write(string $server, array $changes): void
    {
        if ($changes === []) {
            return;
        } elseif (isset(self::MODELS[$server])) {
            self::model(self::MODELS[$server], $changes);
        } else {
            self::tree(explode('/', self::PATHS[$server] ?? 'dhcpd'), $changes);
        }
    }

    private static function model(string $class, array $changes): void
    {
        $model = new $class();
        foreach ($changes as $change) {
            switch ($change['do']) {
                case 'set':
                    $model->getNodeByReference($change['path'])?->setValue((string)$change['value']);
                    break;
                case 'take':
                    $field = $model->getNodeByReference($change['path']);
                    if ($field !== null) {
                        $kept = array_diff(explode(',', (string)$field), [$change['one']]);
                        $field->setValue(implode(',', $kept));
                    }
                    break;
                case 'add':
                    $row = $model->getNodeByReference($change['list'])->Add();
                    foreach ($change['values'] as $field => $value) {
                        $row->$field = (string)$value;
                    }
                    break;
                case 'delete':
                    $model->getNodeByReference($change['list'])->del($change['uuid']);
                    break;
            }
        }
        $model->serializeToConfig();
    }

    /** Paths are `lan/pool[0]/filename`; all are looked up before anything goes, as numbers then move. */
    private static function tree(array $top, array $changes): void
    {
        $root = Record::find(dom_import_simplexml(Config::getInstance()->object()), $top);
        $todo = [];
        foreach ($changes as $change) {
            $steps = explode('/', $change['path']);
            $last = array_pop($steps);
            $above = $root;
            foreach ($steps as $step) {
                $above = $above === null ? null : self::child($above, $step);
            }
            if ($above !== null) {
                $todo[] = [$above, $last, self::child($above, $last), $change['value']];
            }
        }
        foreach ($todo as [$above, $name, $node, $value]) {
            if ($value === null) {
                $node?->parentNode->removeChild($node);
            } else {
                $node ??= $above->appendChild($above->ownerDocument->createElement($name));
                $node->textContent = $value;
            }
        }
    }

    private static function child(\DOMElement $above, string $step): ?\DOMElement
    {
        preg_match('/^([\w-]+)(?:\[(\d+)\])?$/D', $step, $parts);
        $left = (int)($parts[2] ?? 0);
        foreach ($above->childNodes as $node) {
            if ($node instanceof \DOMElement && $node->nodeName == ($parts[1] ?? '') && $left-- == 0) {
                return $node;
            }
        }
        return null;
    }
}
