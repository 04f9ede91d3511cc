<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

namespace OPNsense\Hearth\Dhcp;

use DOMElement;
use OPNsense\Base\ValidationException;
use OPNsense\Core\Backend;
use OPNsense\Core\Config;

/**
 * Applies a plan and takes it back.
 *
 * An apply starts from the settings as they were before Hearth: what an earlier one did is taken
 * back first, in memory. It saves twice. The first step makes the rows that others refer to; the
 * second, in a process of its own because the models remember for a process what may be referred
 * to, makes the references. Between them the record says `begun`: another apply completes it, and
 * revert undoes it.
 */
class Wiring
{
    /** What tells each server to take its settings anew. */
    private const RECONFIGURE = [
        'isc' => ['dhcpd restart'],
        'kea' => ['template reload OPNsense/Kea', 'kea restart'],
        'dnsmasq' => ['dnsmasq restart'],
        'tftp' => ['template reload OPNsense/Tftp', 'tftp stop'],
    ];

    /** What says whether a server runs. */
    private const STATUS = ['isc' => 'dhcpd status', 'kea' => 'kea status', 'dnsmasq' => 'dnsmasq status'];

    /** How long a server may take to start, in seconds. */
    private const START_LIMIT = 10;

    /**
     * The first step of an apply.
     * @param string[] $repairs ids of conflicts to repair as well
     * @param string $digest of the plan that was shown, empty when it does not matter
     * @return array `status` (`ok`, `unchanged`, `changed`, `failed`), and whether `references` come next
     */
    public static function begin(array $repairs, string $digest): array
    {
        return self::locked(function (DOMElement $root) use ($repairs, $digest) {
            $situation = Situation::read();
            $plan = Plan::of($situation);
            if ($digest !== '' && $digest !== $plan['digest']) {
                return [
                    'status' => 'changed',
                    'message' => gettext('The settings have changed since the plan was shown. Look at it again.'),
                ];
            }
            $record = $situation['record'];
            $repairs = array_values(array_unique(array_merge($record['repairs'] ?? [], $repairs)));
            if (!$plan['todo'] && array_diff($repairs, $record['repairs'] ?? []) === []) {
                return ['status' => 'unchanged', 'message' => gettext('Everything is as it should be.')];
            }
            if ($record !== null) {
                Record::undo($root, $record);
                Record::store($root, null);
            }
            return self::first($root, $repairs, $record);
        });
    }

    private static function first(DOMElement $root, array $repairs, ?array $former): array
    {
        $situation = Situation::read();
        $plan = Plan::of($situation);
        $fixes = Plan::repairs($plan, $repairs);
        $paths = [];
        $steps = 1;
        foreach ($plan['work'] as $server => $work) {
            $changes = array_merge($fixes[$server], $work['changes'] ?? [], $work['rows'] ?? []);
            $more = ($work['references'] ?? []) !== [];
            if ($changes !== [] || $more) {
                foreach (self::paths($server, array_keys($work['interfaces'])) as $path) {
                    $paths[$path] = Record::text($root, $path);
                }
                Writer::write($server, $changes);
                $steps = $server == 'isc' ? $steps : 2;
            }
        }
        if ($fixes['tftp'] !== []) {
            $paths[Writer::PATHS['tftp']] = Record::text($root, Writer::PATHS['tftp']);
            Writer::write('tftp', $fixes['tftp']);
        }
        $file = $plan['work']['isc']['file'] ?? '';
        if (array_filter($paths) === [] && $file === '') {
            if ($former === null) {
                return ['status' => 'unchanged', 'message' => gettext('There is nothing that can be set.')];
            }
            /* nothing to serve any more: what was taken back stays so */
            return self::finish($root, null, $former, self::servers($former), gettext('DHCP fields taken back'));
        }
        $record = [
            'phase' => $steps == 1 ? 'done' : 'begun',
            'time' => time(),
            'interfaces' => array_column(
                array_filter($plan['interfaces'], fn ($one) => $one['servers'] !== [] && $one['address'] !== ''),
                'name'
            ),
            'repairs' => $repairs,
            'nodes' => [],
            'file' => $file,
            'former' => self::servers($former),
            'former_file' => $former['file'] ?? '',
        ];
        foreach (array_filter($paths) as $path => $text) {
            $record['nodes'][$path] = ['before' => $text, 'after' => Record::text($root, $path)];
        }
        if ($steps == 1) {
            return self::finish($root, $record, null, self::servers($record), gettext('DHCP fields set'));
        }
        Record::store($root, $record);
        /* no backup of a state that is half done: the history has one entry for the whole */
        Config::getInstance()->save(self::revision(gettext('DHCP fields set, first step')), false);
        return ['status' => 'ok', 'references' => true];
    }

    /**
     * The second step of an apply, in another process.
     * @return array as begin()
     */
    public static function complete(): array
    {
        return self::locked(function (DOMElement $root) {
            $record = Record::load($root);
            if ($record === null || $record['phase'] != 'begun') {
                return [
                    'status' => 'changed',
                    'message' => gettext('Somebody else has applied or reverted at the same time.'),
                ];
            }
            $record = Record::rebase($root, $record);
            $plan = Plan::of(Situation::read());
            foreach ($plan['work'] as $server => $work) {
                Writer::write($server, $work['references'] ?? []);
            }
            foreach (array_keys($record['nodes']) as $path) {
                $record['nodes'][$path]['after'] = Record::text($root, $path);
            }
            $record['phase'] = 'done';
            return self::finish($root, $record, null, self::servers($record), gettext('DHCP fields set'));
        });
    }

    /**
     * Takes the first step back when the second was refused. After an earlier apply it stays for a person
     * to decide: the servers still run with what that one set.
     */
    public static function abandon(): void
    {
        self::locked(function (DOMElement $root) {
            $record = Record::load($root);
            if ($record !== null && $record['phase'] == 'begun' && $record['former'] === []) {
                Record::undo($root, $record);
                Record::store($root, null);
                Config::getInstance()->save(self::revision(gettext('DHCP fields refused')), false);
            }
            return [];
        });
    }

    /**
     * Takes everything back.
     * @return array `status` (`ok`, `unchanged`, `failed`)
     */
    public static function revert(): array
    {
        return self::locked(function (DOMElement $root) {
            $record = Record::load($root);
            $servers = self::servers($record);
            if ($record !== null) {
                Record::undo($root, $record);
            }
            /* rows that came from another firewall of a pair, or whose record is lost */
            foreach (Leftover::remove($root, Situation::read()) as $server) {
                $servers[] = $server;
            }
            if ($servers === []) {
                return ['status' => 'unchanged', 'message' => gettext('There is nothing of Hearth to take back.')];
            }
            $servers = array_values(array_unique($servers));
            return self::finish($root, null, $record, $servers, gettext('DHCP fields taken back'));
        });
    }

    /** Saves, as one revision; the file and the servers come after the lock. */
    private static function finish(
        DOMElement $root,
        ?array $record,
        ?array $former,
        array $servers,
        string $what
    ): array {
        $result = [
            'status' => 'ok',
            'servers' => $servers,
            'file' => $record['file'] ?? '',
            'former_file' => $record['former_file'] ?? $former['file'] ?? '',
            'runs' => array_intersect($record === null ? [] : $servers, array_keys(self::STATUS)),
            'tftp' => isset($record['nodes'][Writer::PATHS['tftp']]),
        ];
        if ($record !== null) {
            unset($record['former'], $record['former_file']);
        }
        Record::store($root, $record);
        Config::getInstance()->save(self::revision($what));
        return $result;
    }

    /**
     * Writes the file for dhcpd and tells the servers; nothing of config.xml changes here.
     * @param array $result of finish()
     * @return array the result for a page: `failed` names what did not take its settings
     */
    public static function reconfigure(array $result): array
    {
        if (!isset($result['servers'])) {
            return $result;
        }
        if (!Situation::hasIsc()) {
            $result['servers'] = array_values(array_diff($result['servers'], ['isc']));
            $result['runs'] = array_diff($result['runs'], ['isc']);
        }
        if (in_array('isc', $result['servers'])) {
            IscFile::put($result['file'], $result['former_file']);
        }
        $failed = [];
        foreach ($result['servers'] as $server) {
            foreach (self::RECONFIGURE[$server] as $command) {
                $command = $command == 'tftp stop' && !$result['tftp'] ? 'tftp start' : $command;
                $answer = trim((new Backend())->configdRun($command));
                if (!in_array($answer, ['OK', ''])) {
                    $failed[] = sprintf('%s: %s', $command, $answer);
                }
            }
        }
        foreach ($result['runs'] as $server) {
            if (!self::runs($server)) {
                $failed[] = sprintf(gettext('%s does not run. Its log says why.'), Plan::SERVERS[$server]);
            }
        }
        return ['status' => 'ok', 'servers' => $result['servers'], 'failed' => $failed];
    }

    private static function runs(string $server): bool
    {
        $until = microtime(true) + self::START_LIMIT;
        while (str_contains((string)(new Backend())->configdRun(self::STATUS[$server]), 'not running')) {
            if (microtime(true) > $until) {
                return false;
            }
            usleep(250000);
        }
        return true;
    }

    private static function paths(string $server, array $interfaces): array
    {
        return $server == 'isc' ? array_map(fn ($name) => "dhcpd/$name", $interfaces) : [Writer::PATHS[$server]];
    }

    /** The servers whose settings a record is about. */
    private static function servers(?array $record): array
    {
        $found = $record['former'] ?? [];
        foreach (array_keys($record['nodes'] ?? []) as $path) {
            $found[] = array_search($path, Writer::PATHS, true) ?: 'isc';
        }
        if (($record['file'] ?? '') !== '') {
            $found[] = 'isc';
        }
        return array_values(array_unique($found));
    }

    private static function revision(string $what): array
    {
        return ['description' => sprintf('Hearth: %s', $what)];
    }

    /** Runs with config.xml locked and read anew; what fails leaves it as it was. */
    private static function locked(callable $work): array
    {
        $config = Config::getInstance()->lock();
        try {
            return $work(dom_import_simplexml($config->object()));
        } catch (ValidationException | \RuntimeException $error) {
            return ['status' => 'failed', 'message' => $error->getMessage()];
        } finally {
            $config->unlock();
        }
    }
}
