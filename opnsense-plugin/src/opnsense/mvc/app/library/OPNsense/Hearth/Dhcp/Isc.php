<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

namespace OPNsense\Hearth\Dhcp;

/**
 * The plan for ISC dhcpd (plugin os-isc-dhcp). Its page has a field for each common firmware; what
 * it has none for goes into a file that dhcpd.conf takes in.
 */
class Isc
{
    /** Which field of the page is for which value of option 93. */
    private const FIELDS = [
        0 => 'filename',
        6 => 'filename32',
        7 => 'filename64',
        9 => 'filename64',
        10 => 'filename32arm',
        11 => 'filename64arm',
    ];

    /** What the page calls them. */
    private const LABELS = [
        'netboot' => 'Enable network booting',
        'nextserver' => 'next-server',
        'filename' => 'Set default bios filename',
        'filename32' => 'Set x86 UEFI (32-bit) filename',
        'filename64' => 'Set x64 UEFI/EBC (64-bit) filename',
        'filename32arm' => 'Set ARM UEFI (32-bit) filename',
        'filename64arm' => 'Set ARM UEFI (64-bit) filename',
        'filenameipxe' => 'Set iPXE boot filename',
    ];

    /**
     * @param array $isc `interfaces` (element of config.xml by name), `dropins` (text by file name)
     * @param array $sites what machines behind each interface are told, by name
     * @return array plan by interface, changes and the file
     */
    public static function plan(array $isc, array $sites): array
    {
        $text = IscFile::text($sites);
        $there = $isc['dropins'][IscFile::NAME] ?? '';
        $file = Entry::row(
            IscFile::NAME,
            self::summary($there),
            self::summary($text, $there),
            gettext('HTTP boot, and processors that the page of ISC DHCPv4 has no field for.')
        );
        $result = ['interfaces' => [], 'changes' => [], 'file' => $text];
        foreach ($sites as $name => $site) {
            $config = $isc['interfaces'][$name];
            $should = self::fields($site);
            $rows = [];
            foreach ($should as $field => [$value, $why]) {
                $is = self::value($config, $field);
                $rows[] = Entry::row(self::LABELS[$field], $is, $value, $why);
                if ($is !== $value) {
                    $result['changes'][] = Entry::set("$name/$field", $value);
                }
            }
            if ($file['is'] !== '' || $file['should'] !== '') {
                $rows[] = $file;
            }
            $result['interfaces'][$name] = [
                'rows' => $rows,
                'conflicts' => array_merge(
                    self::conflicts($name, $config, $site),
                    self::foreignFiles($isc['dropins'])
                ),
            ];
        }
        return $result;
    }

    /** `netboot` counts by its presence, whatever is in it. */
    private static function value(array $config, string $field): string
    {
        if ($field == 'netboot') {
            return array_key_exists('netboot', $config) ? '1' : '';
        }
        return (string)($config[$field] ?? '');
    }

    private static function summary(string $text, ?string $other = null): string
    {
        if ($text === '') {
            return '';
        }
        $classes = substr_count($text, "\nclass ");
        return $other !== null && $other !== '' && $other !== $text
            ? sprintf(gettext('%d classes, other than these'), $classes)
            : sprintf(gettext('%d classes'), $classes);
    }

    private static function fields(array $site): array
    {
        $should = [
            'netboot' => ['1', gettext('Without it dhcpd sends none of the fields below.')],
            'nextserver' => [$site['address'], gettext('Whom firmware asks for the file, by TFTP.')],
        ];
        foreach ($site['rows'] as $row) {
            $field = isset($row['file']) ? self::FIELDS[$row['option_93'][0]] ?? null : null;
            if ($field !== null) {
                $should[$field] = [$row['file'], self::known($row)];
            }
        }
        $should['filenameipxe'] = [
            $site['ipxe']['file'],
            gettext('iPXE gets its script. Given a loader again, it would load itself for ever.'),
        ];
        return $should;
    }

    /**
     * @param array $row of the agent's table
     * @return string how a client is known, for people
     */
    public static function known(array $row): string
    {
        return sprintf(gettext('%s (option 93 is %s)'), $row['label'], implode(', ', $row['option_93']));
    }

    /**
     * @param array $row of the agent's table
     * @return bool whether the page has a field for it
     */
    public static function hasField(array $row): bool
    {
        return isset($row['file']) && isset(self::FIELDS[$row['option_93'][0]]);
    }

    private static function conflicts(string $name, array $config, array $site): array
    {
        $found = [];
        $next = self::value($config, 'nextserver');
        if ($next !== '' && $next !== $site['address']) {
            $found[] = Entry::conflict(
                'next-server',
                'warning',
                $name,
                sprintf(gettext('next-server is %s, which is not Hearth.'), $next),
                gettext('Apply puts Hearth in its place; revert brings it back.')
            );
        }
        if (!empty($config['tftp']) || !empty($config['bootfilename'])) {
            $found[] = Entry::conflict(
                'option-66-67',
                'warning',
                "$name/tftp",
                sprintf(
                    gettext('The TFTP server fields send options 66 and 67 (%s, %s) to every client, iPXE too, ' .
                        'and win over the fields for each firmware.'),
                    $config['tftp'] ?? '',
                    $config['bootfilename'] ?? ''
                ),
                gettext('Empty both.'),
                [Entry::set("$name/tftp", null), Entry::set("$name/bootfilename", null)]
            );
        }
        foreach (self::items($config['numberoptions']['item'] ?? []) as $at => $item) {
            if (in_array((string)($item['number'] ?? ''), ['66', '67', '93'], true)) {
                $found[] = Entry::conflict(
                    'raw-option',
                    'warning',
                    "$name/numberoptions/item[$at]",
                    sprintf(
                        gettext('The additional option %s (%s) goes to every client, whatever its firmware.'),
                        $item['number'],
                        $item['value'] ?? ''
                    ),
                    gettext('Remove the option.'),
                    [Entry::set("$name/numberoptions/item[$at]", null)]
                );
            }
        }
        foreach (self::items($config['pool'] ?? []) as $at => $pool) {
            $fields = array_key_exists('netboot', $pool)
                ? ['tftp', 'bootfilename', 'netboot', 'nextserver', 'filename'] : ['tftp', 'bootfilename'];
            $range = sprintf('%s - %s', $pool['range']['from'] ?? '', $pool['range']['to'] ?? '');
            $found = array_merge($found, self::narrower(
                'pool',
                "$name/pool[$at]",
                $pool,
                $fields,
                sprintf(gettext('The pool %s'), $range)
            ));
        }
        foreach (self::items($config['staticmap'] ?? []) as $at => $host) {
            $who = $host['mac'] ?? $host['cid'] ?? $host['hostname'] ?? '';
            $found = array_merge($found, self::narrower(
                'host',
                "$name/staticmap[$at]",
                $host,
                ['tftp', 'bootfilename', 'filename'],
                sprintf(gettext('The static mapping %s'), $who)
            ));
        }
        return $found;
    }

    /** A pool or host knows neither firmware nor iPXE, and wins over the interface. */
    private static function narrower(string $code, string $path, array $config, array $fields, string $who): array
    {
        $set = array_filter($fields, fn ($field) => self::value($config, $field) !== '');
        if (array_diff($set, ['netboot']) === []) {
            return [];
        }
        $values = array_map(fn ($field) => "$field " . self::value($config, $field), array_diff($set, ['netboot']));
        return [Entry::conflict(
            $code,
            'warning',
            $path,
            sprintf(
                gettext('%s has boot fields of its own (%s). They go to every firmware there, and to iPXE.'),
                $who,
                implode(', ', $values)
            ),
            gettext('Empty them, so that Hearth decides.'),
            array_map(fn ($field) => Entry::set("$path/$field", null), array_values($set))
        )];
    }

    private static function foreignFiles(array $files): array
    {
        $found = [];
        foreach ($files as $name => $text) {
            $text = preg_replace('/#.*$/m', '', $text);
            $says = preg_match('/\b(filename|next-server|(?:tftp-server|bootfile)-name)\b/', $text, $word);
            if ($name != IscFile::NAME && $says) {
                $found[] = Entry::conflict(
                    'include',
                    'warning',
                    $name,
                    sprintf(gettext('The file %s says `%s` to machines of every interface.'), $name, $word[1]),
                    gettext('Look whether it means machines that boot through Hearth.')
                );
            }
        }
        return $found;
    }

    /** One item stands for itself in config.xml, several are a list. */
    private static function items($items): array
    {
        if (!is_array($items) || $items === []) {
            return [];
        }
        return array_is_list($items) ? array_filter($items, 'is_array') : [$items];
    }
}
